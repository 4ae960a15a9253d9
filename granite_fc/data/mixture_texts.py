"""The text of a mixture's examples. Loads TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from granite_fc.data import seqio_examples
from granite_fc.errors import ConfigurationError


def mixture_texts(rates: Mapping[str, float], max_characters: int) -> Iterator[str]:
    """Yields training examples of each task, inputs and targets in one text, task after task.

    Args:
        rates: Task name to rate.
        max_characters: How much text in all; each task has its share of it by its rate, or gives
            all that it has.

    Raises:
        ConfigurationError: A task makes its examples in no plain Python function.
    """
    seqio_examples.register()
    total = sum(rates.values())
    for name, rate in rates.items():
        task = seqio_examples.registered_task(name)
        function = seqio_examples.plain_function(task)
        if function is None:
            raise ConfigurationError(
                "--mixture",
                found=f"{name}, whose examples only SeqIO can make",
                expected="tasks whose first preprocessor has a plain Python function",
                remedy="Write its text to a file and give that as --text.",
            )
        left = max_characters * rate / total
        for example in seqio_examples.source_examples(task, "train", 0, 1):
            if left <= 0:
                break
            for made in function(example):
                text = made["inputs"] + made["targets"]
                left -= len(text)
                yield text
