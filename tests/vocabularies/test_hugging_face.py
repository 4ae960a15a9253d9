"""Byte-level BPE against transformers' own tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary
from tests.vocabularies.conftest import SPECIAL_TOKENS


@pytest.fixture(scope="module")
def reference(tokenizer_folder: Path) -> transformers.PreTrainedTokenizerFast:
    return transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_folder / "tokenizer.json"), eos_token=SPECIAL_TOKENS[0]
    )


@given(
    text=st.lists(
        st.one_of(
            st.text(st.characters(codec="utf-8"), max_size=8),
            st.sampled_from([*SPECIAL_TOKENS, "\n", "  ", "\n\n", "12", '"}}', "name"]),
        )
    ).map("".join)
)
def test_ids_and_text_are_those_of_transformers(
    hugging_face_vocabulary: HuggingFaceVocabulary,
    reference: transformers.PreTrainedTokenizerFast,
    text: str,
) -> None:
    ids = reference.encode(text, add_special_tokens=False)
    assert hugging_face_vocabulary.encode(text) == ids
    assert hugging_face_vocabulary.decode(ids) == reference.decode(
        ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
    )


@given(data=st.data())
def test_any_ids_decode_as_in_transformers(
    hugging_face_vocabulary: HuggingFaceVocabulary,
    reference: transformers.PreTrainedTokenizerFast,
    data: st.DataObject,
) -> None:
    ids = data.draw(st.lists(st.integers(0, hugging_face_vocabulary.size - 1), max_size=6))
    text = hugging_face_vocabulary.decode(ids)
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert text == reference.decode(
            ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )


def test_id_zero_is_a_token_like_any_other(
    hugging_face_vocabulary: HuggingFaceVocabulary,
) -> None:
    vocabulary = hugging_face_vocabulary
    assert vocabulary.eos_id == 0
    ids = vocabulary.encode("<|endoftext|>a<|endoftext|>")
    assert ids[0] == ids[-1] == 0
    assert vocabulary.decode(ids) == "<|endoftext|>a<|endoftext|>"


def _without(folder: Path, to: Path, characters: str) -> Path:
    """The tokenizer without what is spelt with these stand-ins of bytes."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    lost = set(characters)
    model["vocab"] = {token: i for token, i in model["vocab"].items() if not lost & set(token)}
    model["merges"] = [pair for pair in model["merges"] if not lost & set("".join(pair))]
    return _changed(folder, to, model=model)


def test_bytes_that_hardly_any_text_has_may_lack_tokens(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    # SmolLM2 lacks these: 0x04, 0x13 and 0xf1, as byte-level BPE spells them.
    path = _without(tokenizer_folder, tmp_path / "model", "\u0104\u0113\xf1")
    vocabulary = HuggingFaceVocabulary.from_file(path, "<|endoftext|>")
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(path))
    for text in (
        "ab\x13cd\x04",
        "\x13",
        "\U00040000",
        "a\ud800",
        "\t\n\r\x7fé東\U0001f600\U0010ffff",
    ):
        if "\ud800" not in text:
            assert vocabulary.encode(text) == theirs.encode(text, add_special_tokens=False)
    assert vocabulary.decode(vocabulary.encode("ab\x13cd\x04")) == "abcd"
    for text in ("a\ud800", "\t\n\r\x7fé東\U0001f600\U0010ffff"):
        assert vocabulary.decode(vocabulary.encode(text)) == text


@pytest.mark.parametrize("lost", ["\u010a", "\xc3", "e"], ids=["newline", "accents", "a letter"])
def test_bytes_that_texts_have_need_tokens(
    tokenizer_folder: Path, tmp_path: Path, lost: str
) -> None:
    path = _without(tokenizer_folder, tmp_path / "model", lost)
    with pytest.raises(ConfigurationError, match="no token for 1 of the bytes"):
        HuggingFaceVocabulary.from_file(path, "<|endoftext|>")


def test_tokens_that_are_not_spelt_in_bytes_are_refused(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    model = json.loads((tokenizer_folder / "tokenizer.json").read_text())["model"]
    model["vocab"]["▁the"] = len(model["vocab"])
    path = _changed(tokenizer_folder, tmp_path / "model", model=model)
    with pytest.raises(ConfigurationError, match="▁the"):
        HuggingFaceVocabulary.from_file(path, "<|endoftext|>")


def test_size_counts_added_tokens(
    hugging_face_vocabulary: HuggingFaceVocabulary,
    reference: transformers.PreTrainedTokenizerFast,
) -> None:
    assert hugging_face_vocabulary.size == len(reference)


def _changed(folder: Path, to: Path, **changes: object) -> Path:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer.update(changes)
    to.mkdir(exist_ok=True)
    (to / "tokenizer.json").write_text(json.dumps(tokenizer))
    return to / "tokenizer.json"


def test_post_processors_truncation_and_padding_change_nothing(
    tokenizer_folder: Path, tmp_path: Path, hugging_face_vocabulary: HuggingFaceVocabulary
) -> None:
    path = _changed(
        tokenizer_folder,
        tmp_path / "model",
        truncation={
            "direction": "Right",
            "max_length": 2,
            "strategy": "LongestFirst",
            "stride": 0,
        },
        post_processor={
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<fim_prefix>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {
                "<fim_prefix>": {"id": "<fim_prefix>", "ids": [1], "tokens": ["<fim_prefix>"]}
            },
        },
    )
    vocabulary = HuggingFaceVocabulary.from_file(path, "<|endoftext|>")
    text = "a longer text than two tokens"
    assert vocabulary.encode(text) == hugging_face_vocabulary.encode(text)


def test_eos_is_named_by_the_files_or_by_the_user(tokenizer_folder: Path, tmp_path: Path) -> None:
    alone = _changed(tokenizer_folder, tmp_path / "alone")
    with pytest.raises(ConfigurationError, match=r"tokenizer_config\.json"):
        HuggingFaceVocabulary.from_file(alone)
    assert HuggingFaceVocabulary.from_file(alone, "<|tool_call|>").eos_id == 2
    with pytest.raises(ConfigurationError, match="Its special tokens"):
        HuggingFaceVocabulary.from_file(alone, "<nothing>")
    special = {"eos_token": {"content": "<fim_prefix>", "lstrip": False}}
    (tmp_path / "alone" / "special_tokens_map.json").write_text(json.dumps(special))
    assert HuggingFaceVocabulary.from_file(alone).eos_id == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "Lowercase"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "byte-level"),
        (
            {
                "pre_tokenizer": {
                    "type": "ByteLevel",
                    "add_prefix_space": True,
                    "trim_offsets": True,
                    "use_regex": True,
                }
            },
            "add_prefix_space",
        ),
    ],
)
def test_tokenizers_that_lose_text_are_refused(
    tokenizer_folder: Path, tmp_path: Path, changes: dict, reason: str
) -> None:
    path = _changed(tokenizer_folder, tmp_path / "model", **changes)
    with pytest.raises(ConfigurationError, match=reason):
        HuggingFaceVocabulary.from_file(path, "<|endoftext|>")
