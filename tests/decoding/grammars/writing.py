"""Answers written under a grammar without a model, and texts put to one."""

from __future__ import annotations

import functools
import random

import numpy as np
import tokenizers

from granite_fc.decoding.constraint import AnswerGrammar, Constraint
from granite_fc.vocabularies import Vocabulary, load_vocabulary
from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary


@functools.lru_cache(maxsize=1)
def sentencepiece() -> Vocabulary:
    """A vocabulary of SentencePiece that ships with the project."""
    return load_vocabulary("granite_fc_2k")


@functools.lru_cache(maxsize=1)
def byte_level() -> Vocabulary:
    """A byte-level BPE whose first id ends answers, with tokens across the ends of calls."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False, use_regex=False
    )
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<|endoftext|>", "<|tool_call|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    text = (
        '<function_call> {"name": "f", "label": "$var_1", "arguments": {"a": "b", "c": [1, "d"]}}\n'
        '<function_call> {"name": "no_function", "arguments": {}}'
        '}"}}, {"id": "call_2", "type": "function", "function": {"name": "'
    )
    tokenizer.train_from_iterator([text, text[80:], '"}, {"name": "x"}]', "<tool_call>\n"], trainer)
    return HuggingFaceVocabulary(tokenizer.to_str(), "<|endoftext|>", "byte level")


def allowed_by(constraint: Constraint, vocabulary: Vocabulary) -> list[int]:
    """The ids that may come next."""
    mask = np.full((vocabulary.size + 31) // 32, -1, np.int32)
    constraint.allow(mask)
    bits = (mask[:, None] >> np.arange(32)) & 1
    return np.flatnonzero(bits.reshape(-1)).tolist()


def draw(
    grammar: AnswerGrammar, vocabulary: Vocabulary, max_new_tokens: int, rng: random.Random
) -> list[int]:
    """Writes an answer of ids drawn from those allowed, long ones and quotes more often."""
    constraint = grammar.constraint(vocabulary, max_new_tokens)
    ids: list[int] = []
    while True:
        allowed = allowed_by(constraint, vocabulary)
        assert allowed, vocabulary.decode(ids)
        token = rng.choice(allowed)
        if rng.random() < 0.5:
            some = rng.sample(allowed, min(len(allowed), 8))
            token = max(some, key=lambda i: ('"' in vocabulary.decode([i]), i))
        ids.append(token)
        if token == vocabulary.eos_id:
            return ids
        constraint.accept(token)
        if constraint.is_complete:
            assert allowed_by(constraint, vocabulary) == [vocabulary.eos_id]


def refused_at(
    grammar: AnswerGrammar, text: str, vocabulary: Vocabulary, spare_tokens: int = 40
) -> str | None:
    """Returns what of a text a grammar admits, before the first id that it does not; None: all."""
    ids = [*vocabulary.encode(text), vocabulary.eos_id]
    constraint = grammar.constraint(vocabulary, len(ids) + spare_tokens)
    for index, token in enumerate(ids):
        if token not in allowed_by(constraint, vocabulary):
            return vocabulary.decode(ids[:index])
        constraint.accept(token)
    return None
