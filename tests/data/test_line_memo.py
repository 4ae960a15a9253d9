"""Memoised tokenising gives the ids of the whole text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from granite_fc.data.line_memo import LineMemo
from granite_fc.vocabularies import Vocabulary
from tests.data.cache_fixtures import Setting

LINE = st.sampled_from(
    ["USER: the weather", "  indented", "", "\t", "x ", "\u2028", "\x1c", "é", "▁", "\r", "\u3000"]
) | st.text(st.characters(codec=None), max_size=5)


@pytest.fixture(params=["setting", "byte_setting"], scope="module")
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    setting: Setting = request.getfixturevalue(request.param)
    return setting.vocabulary


@given(lines=st.lists(LINE, max_size=8))
def test_ids_are_those_of_the_whole_text(vocabulary: Vocabulary, lines: list[str]) -> None:
    memo = LineMemo(vocabulary, max_lines=3)
    text = "\n".join(lines)
    for _ in range(2):
        assert np.frombuffer(memo.encode(text), memo.dtype).tolist() == vocabulary.encode(text)


def test_a_line_is_tokenised_once(vocabulary: Vocabulary) -> None:
    class Counting:
        size = vocabulary.size
        calls = 0

        def encode(self, text: str) -> list[int]:
            self.calls += 1
            return vocabulary.encode(text)

    counting = Counting()
    memo = LineMemo(counting)
    memo.encode("first\nsecond\nfirst\n")
    memo.encode("second\nthird")
    assert counting.calls == 3
