"""What every vocabulary promises, whatever the text."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.calls.syntax import MARKERS
from granite_fc.vocabularies import Vocabulary
from tests.vocabularies.conftest import ANSWER, PROMPT, SPECIAL_TOKENS

# All of Unicode, lone surrogates included, with what tokenizers are known to change put in often.
AWKWARD = ["▁", "\ud800", "\udfff", "\0", "\ufeff", "\ufffd", "ﬁ", "e\u0301", "\u3000", "<0x41>"]
TEXT = st.lists(
    st.one_of(
        st.text(st.characters(codec=None), max_size=6),
        st.sampled_from([*MARKERS, *SPECIAL_TOKENS, *AWKWARD, "<unk>", "</s>", "\n", "\r\n", "  "]),
    ),
    max_size=8,
).map("".join)


@pytest.fixture(params=["sentencepiece_vocabulary", "hugging_face_vocabulary"], scope="module")
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    return request.getfixturevalue(request.param)


@given(text=TEXT)
def test_text_comes_back_as_it_was(vocabulary: Vocabulary, text: str) -> None:
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert all(0 <= i < vocabulary.size for i in ids)


@given(before=TEXT, after=TEXT)
def test_a_prompt_alone_is_a_prefix_of_prompt_and_answer(
    vocabulary: Vocabulary, before: str, after: str
) -> None:
    prompt, answer = before.rstrip() + "x\n", after.lstrip()
    assert vocabulary.encode(prompt + answer) == [
        *vocabulary.encode(prompt),
        *vocabulary.encode(answer),
    ]


def test_the_real_boundary(vocabulary: Vocabulary) -> None:
    together = vocabulary.encode(PROMPT + ANSWER)
    assert together == vocabulary.encode(PROMPT) + vocabulary.encode(ANSWER)
    assert PROMPT.endswith("ASSISTANT:\n")


def test_the_end_of_sequence_id_is_spelt_and_does_not_stop_decoding(
    vocabulary: Vocabulary,
) -> None:
    ids = [vocabulary.eos_id, *vocabulary.encode("a"), vocabulary.eos_id, *vocabulary.encode("b")]
    assert vocabulary.decode(ids) == "<|endoftext|>a<|endoftext|>b"


def test_ids_that_spell_no_text_are_replaced_not_refused(vocabulary: Vocabulary) -> None:
    euro = vocabulary.encode("€")
    for ids in (euro[:1], euro[1:], euro[:1] + vocabulary.encode("a")):
        if vocabulary.decode(ids) != "€":
            assert "\ufffd" in vocabulary.decode(ids)


def test_a_copy_in_another_process_has_the_same_ids(vocabulary: Vocabulary) -> None:
    copy = pickle.loads(pickle.dumps(vocabulary))
    assert copy.encode(PROMPT) == vocabulary.encode(PROMPT)
    assert (copy.digest, copy.size, copy.eos_id) == (
        vocabulary.digest,
        vocabulary.size,
        vocabulary.eos_id,
    )


def test_vocabularies_load_no_tensorflow() -> None:
    code = (
        "import sys, granite_fc.vocabularies, granite_fc.vocabularies.train_sentencepiece\n"
        "assert not {'tensorflow', 'seqio', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
