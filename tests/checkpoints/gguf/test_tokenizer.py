"""Tokenizers of GGUF files: ids, special tokens, templates, and what is refused."""

from __future__ import annotations

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.errors import ConfigurationError
from granite_fc.vocabularies import load_vocabulary
from tests.checkpoints.gguf.models import (
    SPECIAL_TOKENS,
    TEMPLATE,
    TEXTS,
    gguf_tensors,
    hugging_face_weights,
    llama_metadata,
    small_tokenizer,
    tokenizer_metadata,
)
from tests.checkpoints.gguf.plain_bpe import PlainBpe
from tests.checkpoints.gguf.writer import write_gguf

_PRE = ["gpt-2", "smollm", "refact", "starcoder", "llama-bpe"]


def _folder(path, pre="smollm", **changes):
    """A folder with the tokenizer's files of a small GGUF file, and the file's metadata."""
    metadata = llama_metadata() | tokenizer_metadata(small_tokenizer(), pre) | changes
    metadata = {key: value for key, value in metadata.items() if value is not None}
    tensors = gguf_tensors(hugging_face_weights())
    for name, content in read_gguf(write_gguf(path / "a.gguf", metadata, tensors)).files.items():
        (path / name).write_bytes(content)
    return path, metadata


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """By pre-tokenizer: our vocabulary, transformers' tokenizer, and the plain reference."""
    made = {}
    for pre in _PRE:
        folder, metadata = _folder(tmp_path_factory.mktemp(pre), pre)
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
        made[pre] = load_vocabulary(str(folder)), theirs, PlainBpe(metadata)
    return made


@pytest.mark.parametrize("pre", _PRE)
@given(
    text=st.lists(
        st.one_of(
            st.sampled_from(
                [*TEXTS, *SPECIAL_TOKENS, "'ll", "I'VE", "12345", "½", " ", "\n", "\r\n"]
            ),
            st.text(st.characters(exclude_categories=["Cn", "Cs"]), max_size=6),
        ),
        max_size=6,
    ).map("".join)
)
def test_ids_are_those_of_the_merges(tokenizers, pre, text):
    ours, theirs, plain = tokenizers[pre]
    ids = plain.encode(text)
    assert ours.encode(text) == ids
    assert theirs.encode(text, add_special_tokens=False) == ids
    assert ours.decode(ids) == text


def test_pre_tokenizers_differ(tokenizers):
    text = "12345 I'VE\n\nx"
    ids = {pre: tuple(tokenizers[pre][0].encode(text)) for pre in _PRE}
    assert len(set(ids.values())) == 3
    assert ids["smollm"] == ids["refact"] == ids["starcoder"]


def test_special_tokens_and_template(tmp_path):
    folder, _ = _folder(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer.unk_token_id == 0
    assert tokenizer.chat_template == TEMPLATE
    assert tokenizer.model_max_length == 64
    assert tokenizer.encode("a<|im_end|>") == [*tokenizer.encode("a"), 2]
    assert tokenizer.decode(tokenizer.encode("a<|im_end|>b"), skip_special_tokens=True) == "ab"
    assert load_vocabulary(str(folder)).eos_id == 2


@pytest.mark.parametrize(
    ("pre", "changes", "begins", "ends"),
    [
        ("smollm", {}, False, False),
        ("smollm", {"tokenizer.ggml.add_bos_token": True}, True, False),
        ("smollm", {"tokenizer.ggml.add_eos_token": True}, False, True),
        # What llama.cpp takes where a file does not say it.
        ("smollm", {"tokenizer.ggml.add_bos_token": None}, False, False),
        ("llama-bpe", {"tokenizer.ggml.add_bos_token": None}, True, False),
    ],
)
def test_texts_begin_and_end_as_the_file_says(tmp_path, pre, changes, begins, ends):
    folder, _ = _folder(tmp_path, pre, **changes)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    bare = tokenizer.encode("It is", add_special_tokens=False)
    assert tokenizer.encode("It is") == [1] * begins + bare + [2] * ends
    assert load_vocabulary(str(folder)).encode("It is") == bare


def test_a_file_is_a_vocabulary_itself(tmp_path):
    folder, _ = _folder(tmp_path)
    vocabulary = load_vocabulary(str(folder / "a.gguf"))
    assert vocabulary.digest == load_vocabulary(str(folder)).digest
    assert (vocabulary.name, vocabulary.eos_id) == ("a", 2)
    assert load_vocabulary(str(folder / "a.gguf"), SPECIAL_TOKENS[0]).eos_id == 0
    with pytest.raises(ConfigurationError, match="<none>"):
        load_vocabulary(str(folder / "a.gguf"), "<none>")


def test_a_special_token_is_whole_whatever_its_type(tmp_path):
    folder, _ = _folder(tmp_path, **{"tokenizer.ggml.token_type": [1] * 300})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text = "a<|im_end|>b <|im_start|>"
    ids = load_vocabulary(str(folder)).encode(text)
    assert ids == tokenizer.encode(text) and {1, 2} < set(ids)


def test_a_special_token_is_in_use(tmp_path):
    with pytest.raises(ConfigurationError, match="bos_token_id: found 1, expected an id in use"):
        _folder(tmp_path, **{"tokenizer.ggml.token_type": [3, 5, 3] + [1] * 297})


def test_templates_with_names(tmp_path):
    folder, _ = _folder(
        tmp_path,
        **{"tokenizer.chat_template.tool_use": "tools", "tokenizer.chat_templates": ["tool_use"]},
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.get_chat_template(chat_template="tool_use") == "tools"
    assert tokenizer.get_chat_template() == TEMPLATE


def test_user_defined_tokens_are_whole_and_unused_ids_stay_free(tmp_path):
    metadata = tokenizer_metadata(small_tokenizer())
    tokens = [*metadata["tokenizer.ggml.tokens"][:-2], "東京 タワー", "[PAD299]"]
    kinds = [*metadata["tokenizer.ggml.token_type"][:-2], 4, 5]
    lost = metadata["tokenizer.ggml.tokens"][-2:]
    merges = [
        merge for merge in metadata["tokenizer.ggml.merges"] if merge.replace(" ", "") not in lost
    ]
    folder, _ = _folder(
        tmp_path,
        **{
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.token_type": kinds,
            "tokenizer.ggml.merges": merges,
        },
    )
    vocabulary = load_vocabulary(str(folder))
    assert vocabulary.encode("東京 タワー") == [298]
    assert vocabulary.decode([298]) == "東京 タワー"
    assert 299 not in vocabulary.encode("[PAD299]")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.decode([298], skip_special_tokens=True) == "東京 タワー"


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("tokenizer.ggml.model", "llama", "found 'llama', expected 'gpt2'"),
        ("tokenizer.ggml.pre", "qwen2", "found 'qwen2', expected one of 'gpt-2'"),
        ("tokenizer.ggml.pre", None, "found 'nothing'"),
        ("tokenizer.ggml.eos_token_id", 300, "found 300"),
        ("tokenizer.ggml.add_space_prefix", True, "found True"),
        ("tokenizer.ggml.precompiled_charsmap", "x", "found 'x'"),
        ("tokenizer.ggml.token_type", [1], "found 'a list of 1'"),
        ("tokenizer.ggml.token_type", [1] * 299 + [6], "of type 6"),
        ("tokenizer.ggml.tokens", ["a"] * 300, "tokens that differ"),
        (
            "tokenizer.ggml.merges",
            tokenizer_metadata(small_tokenizer())["tokenizer.ggml.merges"][:1] * 2,
            "number 1, ",
        ),
        ("tokenizer.ggml.merges", ["Ġ Ġ Ġ"], "number 0, 'Ġ Ġ Ġ'"),
        ("tokenizer.ggml.merges", ["qzqz x"], "number 0, 'qzqz x'"),
        ("tokenizer.chat_template", 3, "found 3"),
    ],
)
def test_what_is_no_known_byte_level_bpe_is_named(tmp_path, key, value, found):
    with pytest.raises(ConfigurationError, match=f"{key}: .*{found}"):
        _folder(tmp_path, **{key: value})
