"""Small vocabularies that the tests train themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary
from granite_fc.vocabularies.sentencepiece import SentencePieceVocabulary
from granite_fc.vocabularies.train_sentencepiece import train_sentencepiece

PROMPT = """SYSTEM: You are a helpful assistant with access to the following functions.
<|function_call_library|>
{"name": "get_weather", "description": "Current weather", "parameters": {"city": "string"}}
{"name": "book_table", "description": "Books 2 or more seats", "parameters": {"day": "string"}}

USER: What is the weather in São Paulo on 2019-03-01?
ASSISTANT:
"""
ANSWER = '<function_call> {"name": "get_weather", "arguments": {"city": "São Paulo"}}'
TEXTS = [PROMPT + ANSWER, "  indented\n\n\ttabs\r\n", "héllo wörld 東京 12345"] * 20
SPECIAL_TOKENS = ["<|endoftext|>", "<fim_prefix>", "<|tool_call|>"]


@pytest.fixture(scope="session")
def sentencepiece_vocabulary() -> SentencePieceVocabulary:
    return train_sentencepiece(TEXTS, 480, name="small")


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A StarCoder-like tokenizer: single digits, byte-level BPE, id 0 = BOS = EOS = PAD."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=450,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    folder = tmp_path_factory.mktemp("tokenizer") / "tiny-code"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    names = dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), SPECIAL_TOKENS[0])
    config = {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": False, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def hugging_face_vocabulary(tokenizer_folder: Path) -> HuggingFaceVocabulary:
    return HuggingFaceVocabulary.from_file(tokenizer_folder / "tokenizer.json")
