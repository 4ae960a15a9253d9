"""The same tasks as SeqIO knows them."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import seqio
import tensorflow as tf

from tasks.vocabulary import SeqioVocabulary
from tests.data.cache_tasks import lines

PROMPT = "SYSTEM: You have functions.\n\n  indented\nUSER: shout it\n"


class LinesSource(seqio.DataSource):
    """One example a line of every file SPLIT-*.txt in the folder that gin names."""

    def __init__(self) -> None:
        super().__init__(splits=("train", "validation"))

    @property
    def supports_arbitrary_sharding(self) -> bool:
        return False

    def list_shards(self, split):
        return sorted(str(path) for path in Path(lines()["folder"]).glob(f"{split}-*.txt"))

    def get_dataset(self, split, shuffle=True, seed=None, shard_info=None, **unused):
        files = self.list_shards(split)
        if shard_info is not None:
            assert shard_info.num_shards <= len(files)
            files = files[shard_info.index :: shard_info.num_shards]
        texts = [line for file in files for line in Path(file).read_text().splitlines()]
        dataset = tf.data.Dataset.from_tensor_slices(tf.constant(texts, tf.string))
        return dataset.map(lambda line: {"line": line})


class Plain:
    """A plain function that counts."""

    def __init__(self, make: Callable[[str], list[dict]]) -> None:
        self.make = make
        self.counts: collections.Counter[str] = collections.Counter()

    def __call__(self, example):
        settings = lines()
        time.sleep(settings["seconds_a_line"])
        made = self.make(example["line"].decode())
        self.counts["long" if len(example["line"]) > 20 else "short"] += 1
        return [{**found, "targets": found["targets"] + settings["shout"]} for found in made]


class Render:
    """A preprocessor with a plain function, as the project's own tasks have."""

    def __init__(self, make: Callable[[str], list[dict]]) -> None:
        self.plain = Plain(make)

    def __call__(self, dataset):
        return without_plain(self)(dataset)


def without_plain(render: Render):
    """The same preprocessor as SeqIO alone can use it."""

    def texts(line: bytes) -> np.ndarray:
        made = render.plain({"line": line})
        pairs = [[found["inputs"].encode(), found["targets"].encode()] for found in made]
        return np.array(pairs, object).reshape(-1, 2)

    def preprocess(dataset):
        def to_examples(example):
            pairs = tf.numpy_function(texts, [example["line"]], tf.string)
            pairs.set_shape([None, 2])
            return {"inputs": pairs[:, 0], "targets": pairs[:, 1]}

        return dataset.map(to_examples).unbatch()

    return preprocess


def upper(line: str) -> list[dict]:
    return [{"inputs": f"{PROMPT}{line}\n", "targets": line.upper()}]


def words(line: str) -> list[dict]:
    """One example a word; lines with "bad" are refused."""
    if "bad" in line:
        raise ValueError(f"bad_line: {line}")
    return [
        {"inputs": f"{PROMPT}{line}\n", "targets": word, "word": number}
        for number, word in enumerate(line.split())
    ]


SOURCE = LinesSource()
FEATURES = {
    "inputs": seqio.Feature(SeqioVocabulary(), add_eos=False),
    "targets": seqio.Feature(SeqioVocabulary(), add_eos=True),
}
for _name, _step in {
    "lines_upper": Render(upper),
    "lines_words": Render(words),
    "lines_by_seqio": without_plain(Render(upper)),
    "lines_none": Render(lambda line: []),
}.items():
    seqio.TaskRegistry.add(
        _name,
        source=SOURCE,
        preprocessors=[_step, seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
        output_features=FEATURES,
    )
