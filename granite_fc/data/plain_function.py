"""The Python function behind a SeqIO task's preprocessor, which the cache writer calls directly.

Inside `tf.data` a Python function costs ten times its own time, and tokenising a hundred times.
A task whose first preprocessor carries such a function as its attribute `plain`, and is followed
by nothing but `seqio.preprocessors.tokenize` and `append_eos`, is therefore written without them;
any other task through `Task.get_dataset`. Both ways give the same examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class PlainFunction(Protocol):
    """Makes the examples of one task from one example of its source.

    All tasks whose sources are equal see one example, one task after the other, before the next is
    read: what is parsed from it is worth a memo of size one.

    The function may have an attribute `counts`, a mapping from reason to number, of what became of
    the examples in this process so far; the manifest reports by how much they grew.
    """

    def __call__(self, example: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """Returns the examples, none where the source's example has nothing for this task.

        Args:
            example: The source's features as NumPy values; strings are bytes.

        Returns:
            For each example "inputs" and "targets", both str; whatever else (JSON values) is kept
            as metadata.

        Raises:
            ValueError: The source's example cannot be used. It is counted and listed as rejected;
                the text before the first colon is the reason that it is counted under.
        """
        ...
