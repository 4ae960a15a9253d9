"""The project's vocabularies as SeqIO ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import seqio
import tensorflow as tf

from granite_fc.vocabularies.vocabulary import Vocabulary
from tasks.episode_renderer import present_vocabulary


class SeqioVocabulary(seqio.Vocabulary):
    """A vocabulary behind SeqIO's interface.

    SeqIO's own `decode` cuts at the first end-of-sequence id, which loses text wherever that id is
    also that of something else. Here only end-of-sequence ids at the very end are dropped, and all
    else comes back exactly. SeqIO also takes id 0 for padding; nothing of this project does, and
    datasets that SeqIO packs or pads should not be trained on.

    Args:
        vocabulary: What to wrap; None for the one that gin names at the time of use.
    """

    def __init__(self, vocabulary: Vocabulary | None = None) -> None:
        super().__init__(extra_ids=0)
        self._vocabulary = vocabulary

    @property
    def wrapped(self) -> Vocabulary:
        """The vocabulary itself."""
        return self._vocabulary or present_vocabulary()

    @property
    def bos_id(self) -> None:
        """None: nothing is put in front of a sequence."""

    @property
    def eos_id(self) -> int:
        """The id that ends an answer."""
        return self.wrapped.eos_id

    @property
    def unk_id(self) -> None:
        """None: every text has its ids."""

    @property
    def _base_vocab_size(self) -> int:
        return self.wrapped.size

    def _encode(self, s: str) -> list[int]:
        return self.wrapped.encode(s)

    def decode(self, ids: Iterable[int]) -> str:
        """Returns the text of `ids`, without end-of-sequence ids at the end."""
        return self._decode([int(i) for i in np.asarray(ids).tolist()])

    def _decode(self, ids: Sequence[int]) -> str:
        vocabulary = self.wrapped
        end = len(ids)
        while end and ids[end - 1] == vocabulary.eos_id:
            end -= 1
        return vocabulary.decode(ids[:end])

    def _encode_tf(self, s: tf.Tensor) -> tf.Tensor:
        vocabulary = self.wrapped

        def encode(text: bytes | np.ndarray) -> np.ndarray:
            # Bytes inside a graph, an array of none dimensions when executed eagerly.
            return np.array(vocabulary.encode(np.asarray(text).item().decode()), np.int32)

        def encode_one(text: tf.Tensor) -> tf.Tensor:
            ids = tf.numpy_function(encode, [text], tf.int32, stateful=False)
            ids.set_shape([None])
            return ids

        s = tf.convert_to_tensor(s)
        if s.shape.rank == 0:
            return encode_one(s)
        return tf.map_fn(encode_one, s, fn_output_signature=tf.RaggedTensorSpec([None], tf.int32))

    def decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the text of ids [length], or the texts of ids [batch, length]."""
        return self._decode_tf(ids)

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        def decode(values: np.ndarray) -> np.ndarray:
            rows = values.reshape(math.prod(values.shape[:-1]), values.shape[-1])
            texts = [self.decode(row).encode() for row in rows]
            return np.array(texts, object).reshape(values.shape[:-1])

        if isinstance(ids, tf.RaggedTensor):
            return tf.map_fn(self._decode_tf, ids, fn_output_signature=tf.string)
        ids = tf.convert_to_tensor(ids)
        text = tf.numpy_function(decode, [ids], tf.string, stateful=False)
        text.set_shape(ids.shape[:-1])
        return text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SeqioVocabulary):
            return NotImplemented
        if self._vocabulary is None and other._vocabulary is None:
            return True
        return self.wrapped.digest == other.wrapped.digest

    def __hash__(self) -> int:
        return hash(SeqioVocabulary)

    def __str__(self) -> str:
        return f"SeqioVocabulary({self._vocabulary or 'as gin says'})"
