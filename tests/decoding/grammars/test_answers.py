"""Whatever is drawn under a grammar is an answer, within its tokens."""

from __future__ import annotations

import copy
import random
import weakref
from unittest import mock

import numpy as np
import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.conversation import CallTurn
from granite_fc.calls.reference import Reference, references_in
from granite_fc.calls.spec import FunctionSpec
from granite_fc.decoding.constraint import NoRoomError
from granite_fc.decoding.grammars.calls import CallsGrammar
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.names import NamesGrammar
from granite_fc.decoding.grammars.stretch import Stretch
from granite_fc.decoding.grammars.text_constraint import TextConstraint
from granite_fc.decoding.grammars.texts import NOTHING, FreshKey
from granite_fc.decoding.grammars.tokens import tokens_of
from tasks.dialects import DIALECTS
from tasks.sources.simulator import generate_episodes
from tests.decoding.grammars.conformity import awkward_functions, problems_of_calls
from tests.decoding.grammars.writing import (
    allowed_by,
    byte_level,
    draw,
    refused_at,
    sentencepiece,
)

GRANITE = DIALECTS["granite"]
SHOWN = [Call("check", {}, "$var_3"), Call("tag", {})]
RESULTS = [{"is_open": True, "counts": [1, 2], "a.b$": {"x~": ["<tool_call>"]}}, None]
SIMULATED = [
    (episode.functions, turn)
    for episode in generate_episodes(7, "validation", 0, 12)
    for turn in episode.turns
    if isinstance(turn, CallTurn)
]


def spec(name, output=None, required=(), **properties):
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return FunctionSpec(name, "", parameters, output)


@pytest.mark.parametrize("vocabulary", [sentencepiece, byte_level])
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_answer_conforms_and_ends_within_its_tokens(dialect, vocabulary):
    rng = random.Random(dialect.name)
    calls = references = 0
    for number in range(25):
        shown, results, functions = [], [], awkward_functions()
        if number % 3 == 1:
            shown, results = SHOWN, RESULTS[: number % 2 + 1]
        elif number % 3 == 2:
            functions, turn = rng.choice(SIMULATED)
            shown = [Call(c.name, {}, f"$var_{i}") for i, c in enumerate(turn.calls, start=1)]
            results = list(turn.results)
        grammar = CallsGrammar(functions, dialect.call_frame(len(shown)), shown, results)
        budget = rng.choice([70, 100, 150, 250])
        ids = draw(grammar, vocabulary(), budget, rng)
        assert len(ids) <= budget
        text = vocabulary().decode(ids[:-1])
        assert problems_of_calls(dialect, text, functions, shown, results) == [], text
        found = dialect.parse_calls(text).calls
        printed = dialect.print_calls(found, len(shown))
        assert printed.replace("\\u003c", "<") == text.replace("\\u003c", "<")
        calls += len(found)
        references += sum(1 for call in found for _ in references_in(call.arguments))
    assert calls >= 10
    assert references >= 1


def test_an_answer_may_take_no_more_tokens_than_the_shortest():
    grammar = CallsGrammar(awkward_functions(), GRANITE.call_frame(0))
    with pytest.raises(NoRoomError) as raised:
        grammar.constraint(sentencepiece(), 5)
    shortest = raised.value.needed
    with pytest.raises(NoRoomError):
        grammar.constraint(sentencepiece(), shortest - 1)
    rng = random.Random(0)
    for _ in range(5):
        ids = draw(grammar, sentencepiece(), shortest, rng)
        assert sentencepiece().decode(ids[:-1]) == GRANITE.print_calls(())


def test_a_grammar_without_an_answer_says_so():
    tokens = tokens_of(sentencepiece())
    with pytest.raises(NoRoomError) as raised:
        TextConstraint(Stretch(NOTHING), tokens, tokens.prices(), 1000)
    assert raised.value.needed is None


def test_a_reference_stands_only_for_what_is_there():
    more = {"type": "object", "properties": {"x": {}}, "additionalProperties": True}
    fields = {
        "n": {"type": "integer"},
        "s": {},
        "at": {"type": "object", "properties": {"x": {}}},
        "more": more,
    }
    closed = {"type": "object", "properties": fields, "additionalProperties": False}
    first = spec("f", closed)
    second = spec("g", None, ["n"], n={"type": "integer"}, s={"type": "string"})
    grammar = CallsGrammar([first, second], GRANITE.call_frame(0))

    def answer(*paths, label="$var_1"):
        calls = [Call("f", {}, label)]
        calls += [Call("g", {"n": Reference("$var_1", path)}) for path in paths]
        return GRANITE.print_calls(calls)

    for vocabulary in (sentencepiece(), byte_level()):
        assert refused_at(grammar, answer(("n",)), vocabulary) is None
        assert refused_at(grammar, answer(("s", "x", 3), ("n",)), vocabulary) is None
        # Named fields are all, unless the schema says more.
        assert refused_at(grammar, answer(("at", "x"), ("more", "y", 0)), vocabulary) is None
        assert refused_at(grammar, answer(("at", "xy")), vocabulary) is not None
        for wrong in (
            answer(("m",)),  # no such field
            answer(()),  # the whole is an object
            answer(("at",)),  # and so is a part of it
            answer(("n", "x")),  # a number has no fields
            answer(("n",), label=None),  # no such label
            answer(("n",), label="$var_2"),  # another than the next free one
            GRANITE.print_calls([Call("g", {"n": Reference("$var_1", ("n",))}, "$var_1")]),
            GRANITE.print_calls([Call("g", {"n": 1}, "$var_1"), Call("f", {}, "$var_1")]),
        ):
            assert refused_at(grammar, wrong, vocabulary) is not None, wrong


def test_results_that_are_shown_say_what_is_there():
    taker = spec("g", None, ["n"], n={"type": "number"})
    result = {"rows": [{"n": 1}, {"n": "x", "m.$~": 2.5}], "n": 7}
    shown = [Call("elsewhere", {}, "$var_4")]
    grammar = CallsGrammar([taker], GRANITE.call_frame(1), shown, [result])

    def answer(*path, label="$var_4"):
        return GRANITE.print_calls([Call("g", {"n": Reference(label, path)}, "$var_5")])

    for right in (answer("n"), answer("rows", 0, "n"), answer("rows", 1, "m.$~")):
        assert refused_at(grammar, right, sentencepiece()) is None
    for wrong in (
        answer("rows", 1),  # an object
        answer("rows", 2, "n"),  # two items
        answer("rows"),
        answer("n", label="$var_5"),
    ):
        assert refused_at(grammar, wrong, sentencepiece()) is not None


def test_what_a_call_must_not_be():
    place = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    taker = spec("g", None, ["a", "c"], a=place, b={"enum": ["u", 1]}, c={"type": "boolean"})
    grammar = CallsGrammar([taker, spec("get")], GRANITE.call_frame(0))
    right = {"a": {"x": 1}, "b": "u", "c": True}

    def written(arguments, name="g"):
        return GRANITE.print_calls([Call(name, arguments)])

    assert refused_at(grammar, written(right), sentencepiece()) is None
    assert refused_at(grammar, written({}, "get"), sentencepiece()) is None
    no_function = GRANITE.print_calls(())
    for wrong in (
        written(right, "h"),
        written(right, "ge"),
        written({"a": {"x": 1}}),
        written({"c": True, "a": {"x": 1}}),
        written({**right, "b": "v"}),
        written({**right, "b": "1"}),
        written({**right, "b": True}),
        written({**right, "a": {}}),
        written({**right, "a": {"x": 1.5}}),
        written({**right, "d": 1}),
        f"{no_function}\n{written(right)}",
        f"{written(right)}\n{no_function}",
        f"{written(right)} ",
        "",
    ):
        assert refused_at(grammar, wrong, sentencepiece()) is not None, wrong


def test_a_string_begins_like_a_reference_only_if_escaped():
    grammar = CallsGrammar([spec("f", None, ["s"], s={"type": "string"})], GRANITE.call_frame(0))
    for text in ("$", "$var_", "$var_x", "$5", "a$var_1$", "$var_1.a", "$$var_2$", "é\n\x01<b>"):
        written = GRANITE.print_calls([Call("f", {"s": text})])
        assert refused_at(grammar, written, byte_level()) is None, text
    escaped = GRANITE.print_calls([Call("f", {"s": "$var_1.a"})])
    assert refused_at(grammar, escaped.replace("$$", "$"), byte_level()) is not None


def test_markers_are_written_as_escapes():
    for dialect in DIALECTS.values():
        frame = dialect.call_frame(0)
        grammar = CallsGrammar([spec("f", None, ["s"], s={"type": "string"})], frame)
        for marker in frame.markers:
            for text in (marker, f"<<{marker}", f"{marker[:-1]}{marker}", marker[:-1]):
                written = dialect.print_calls([Call("f", {"s": text})])
                assert refused_at(grammar, written, byte_level()) is None, text
            raw = written.replace(marker[:-1], marker)
            assert refused_at(grammar, raw, byte_level()) is not None


def test_bounds():
    limits = GrammarLimits(calls=2, characters=3, items=2, digits=2, decimals=1, list_index=1)
    functions = [
        spec("f", None, ["v"], v={"type": ["string", "array", "number"], "items": {"enum": [1]}}),
        spec("rows", {"type": "array", "items": {"type": "string"}}),
    ]
    grammar = CallsGrammar(functions, GRANITE.call_frame(0), limits=limits)

    def admits(*calls):
        return refused_at(grammar, GRANITE.print_calls(calls), byte_level()) is None

    for value in ("abc", "é\n\u20ac", [1, 1], 99, -99, 9.5, []):
        assert admits(Call("f", {"v": value})), value
    for value in ("abcd", [1, 1, 1], 100, 9.55):
        assert not admits(Call("f", {"v": value})), value
    last = [Call("rows", {}, "$var_1"), Call("f", {"v": Reference("$var_1", (1,))})]
    assert admits(*last)
    assert not admits(last[0], Call("f", {"v": Reference("$var_1", (2,))}))
    assert not admits(*last, Call("f", {"v": 1}))


def test_calls_are_numbered_where_their_dialect_numbers_them():
    dialect = DIALECTS["openai"]
    grammar = CallsGrammar([spec("f")], dialect.call_frame(9))
    calls = [Call("f", {})] * 3
    assert refused_at(grammar, dialect.print_calls(calls, 9), byte_level()) is None
    assert refused_at(grammar, dialect.print_calls(calls, 8), byte_level()) is not None


def test_names():
    grammar = NamesGrammar(["get", "get_more", "no"], 3)
    for right in ("get", "get_more\nget\nget", "no_function", "no"):
        assert refused_at(grammar, right, sentencepiece()) is None, right
    for wrong in ("", "ge", "get\n", "get\n\nno", "get\nno_function", "no\nno\nno\nno", "get_"):
        assert refused_at(grammar, wrong, sentencepiece()) is not None, wrong
    assert refused_at(NamesGrammar(["f"], 1), "f\nf", sentencepiece()) == "f"
    assert refused_at(NamesGrammar([]), "no_function", sentencepiece()) is None


def test_a_complete_answer_is_said_to_be_one():
    constraint = NamesGrammar(["get", "get_more"], 1).constraint(sentencepiece(), 20)
    for token in sentencepiece().encode("get"):
        assert not constraint.is_complete
        constraint.accept(token)
    assert not constraint.is_complete
    assert sentencepiece().eos_id in allowed_by(constraint, sentencepiece())
    for token in sentencepiece().encode("_more"):
        constraint.accept(token)
    assert constraint.is_complete
    assert allowed_by(constraint, sentencepiece()) == [sentencepiece().eos_id]


def test_samples_of_one_grammar_do_not_meet():
    grammar = CallsGrammar(awkward_functions(), GRANITE.call_frame(0))
    first, second = (grammar.constraint(byte_level(), 200) for _ in "ab")
    before = allowed_by(second, byte_level())
    for token in byte_level().encode('<function_call> {"name": "store", '):
        first.accept(token)
    assert allowed_by(second, byte_level()) == before
    assert allowed_by(first, byte_level()) != before


def test_matchers_are_shared_while_an_answer_is_written_and_then_dropped():
    grammar = CallsGrammar(awkward_functions(), GRANITE.call_frame(0))
    made = []
    matcher_of = Stretch.matcher

    def matcher(*arguments):
        made.append(weakref.ref(shared := matcher_of(*arguments)))
        return shared

    begun = byte_level().encode('<function_call> {"name": "store", "arguments": {"data": {')
    with mock.patch.object(Stretch, "matcher", matcher):
        first, second = (grammar.constraint(byte_level(), 200) for _ in "ab")
        for token in begun:
            first.accept(token)
            second.accept(token)
        assert not made  # nor is one made before it is needed
        assert allowed_by(first, byte_level()) == allowed_by(second, byte_level())
        assert made[0]() is made[1]() is not None
        del first
        assert made[0]() is not None
        del second
        for _ in range(20):  # the grammars of many requests are kept, but no matcher
            draw(grammar, byte_level(), 100, random.Random(0))
    assert len(made) > 20
    assert all(reference() is None for reference in made)


class Stuck:
    """A matcher that has given up, as llguidance does on grammars that are too large."""

    def __init__(self):
        self.asked = 0

    def unsafe_compute_mask_ptr(self, pointer, size):
        self.asked += 1

    def is_error(self):
        return True

    def consume_token(self, token):
        return False


def test_where_llguidance_gives_up_the_shortest_ending_is_written():
    written = '<function_call> {"name": "store", "arguments": {"data": {'
    constraint = CallsGrammar(awkward_functions(), GRANITE.call_frame(0)).constraint(
        byte_level(), 200
    )
    ids = byte_level().encode(written)
    for token in ids:
        constraint.accept(token)
    stuck, places = Stuck(), 0
    constraint._matcher = stuck
    while byte_level().eos_id not in (allowed := allowed_by(constraint, byte_level())):
        token = constraint._toward_the_end()
        assert token in allowed if stuck.asked == 0 else allowed == [token]
        places += stuck.asked
        stuck.asked = 0
        ids.append(token)
        constraint.accept(token)
        constraint._matcher = stuck
    text = byte_level().decode(ids)
    assert places > 0
    assert problems_of_calls(GRANITE, text, awkward_functions()) == []
    assert len(text) < len(written) + 60


def test_masks_of_a_padded_vocabulary_are_whole_words():
    constraint = NamesGrammar(["get"]).constraint(sentencepiece(), 20)
    mask = np.full((sentencepiece().size + 31) // 32, -1, np.int32)
    constraint.allow(mask)
    assert mask.dtype == np.int32
    assert 0 < sum(bin(word & 0xFFFFFFFF).count("1") for word in mask.tolist()) < 40


def possible(constraint, vocabulary):
    """The ids after which an answer can still end within its tokens, each tried alone.

    Two that could be are not offered: one that ends a call and reaches into the next one's name,
    and one that makes a name empty, or begin with what escapes a reference, which others precede.
    """
    found = []
    for token, data in enumerate(vocabulary.pieces):
        tried = copy.copy(constraint)
        tried._matcher, tried._written = None, bytearray(constraint._written)
        reaches_on = data.startswith(b"}") and data.endswith(b'{"name": "')
        try:
            if data and token != vocabulary.eos_id and not reaches_on:
                tried.accept(token)
                if tried._progress.price(tried._prices) <= tried._left:
                    found.append(token)
        except ValueError:
            continue
    if any(isinstance(p.leaf, FreshKey) and p.leaf.taken for p in constraint._progress.places):
        allowed = set(allowed_by(constraint, vocabulary))
        found = [i for i in found if i in allowed or vocabulary.pieces[i][:1] not in (b'"', b"$")]
    return found


@pytest.mark.parametrize("dialect", ["granite", "hermes", "openai"])
@pytest.mark.parametrize("vocabulary", [sentencepiece, byte_level])
def test_exactly_those_tokens_are_left_out_after_which_no_end_fits(vocabulary, dialect):
    vocabulary, rng = vocabulary(), random.Random(dialect)
    grammar = CallsGrammar(awkward_functions(), DIALECTS[dialect].call_frame(0))
    free = 0
    for most in (46, 60, 80, 120) * 8:
        if free > 15:
            break
        constraint = grammar.constraint(vocabulary, most)
        while not constraint.is_complete:
            allowed = [i for i in allowed_by(constraint, vocabulary) if i != vocabulary.eos_id]
            every = possible(constraint, vocabulary)
            assert allowed == every, bytes(constraint._written)
            free += len({vocabulary.pieces[token][0] for token in every}) > 1
            some = rng.choices(allowed, k=16)  # of long ones answers say more
            constraint.accept(max(some, key=lambda token: len(vocabulary.pieces[token])))
    assert free > 10


def test_a_token_that_begins_the_next_call_is_left_out_unless_that_call_fits():
    grammar = CallsGrammar(awkward_functions(), DIALECTS["openai"].call_frame(0))
    written = byte_level().encode(
        '{"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "find_place",'
        ' "arguments": "{\\"kinds\\": [], \\"limit\\": 5'
    )
    (across,) = (i for i, data in enumerate(byte_level().pieces) if data == b'}"}}, {"id": "')
    ends = 0
    for spare in range(8, 40):
        constraint = grammar.constraint(byte_level(), len(written) + spare)
        for token in written:
            constraint.accept(token)
        if across not in allowed_by(constraint, byte_level()):
            assert not ends
            continue
        constraint.accept(across)
        while not constraint.is_complete:  # the shortest ending is always among what is allowed
            constraint.accept(constraint._toward_the_end())
        ends += 1
    assert ends
