"""Calls of functions on offer, which refer to what exists where they stand."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from granite_fc.calls.call import NO_CALL, Call
from granite_fc.calls.spec import FunctionSpec
from granite_fc.calls.strict_json import decode_prefix, encode
from granite_fc.decoding.constraint import Constraint
from granite_fc.decoding.grammars.call_frame import CallFrame
from granite_fc.decoding.grammars.json_strings import Spelling
from granite_fc.decoding.grammars.limits import GrammarLimits
from granite_fc.decoding.grammars.prices import Prices
from granite_fc.decoding.grammars.references import Output, References
from granite_fc.decoding.grammars.stretch import Stretch
from granite_fc.decoding.grammars.text_constraint import TextConstraint
from granite_fc.decoding.grammars.texts import (
    NOTHING,
    Beyond,
    Boundary,
    Node,
    choice,
    sequence,
    text,
)
from granite_fc.decoding.grammars.tokens import Tokens, tokens_of
from granite_fc.decoding.grammars.values import Values
from granite_fc.vocabularies.vocabulary import Vocabulary


class _Written(NamedTuple):
    """The calls of an answer so far.

    Attributes:
        number: How many they are.
        labelled: Label and function of those that have a label.
    """

    number: int = 0
    labelled: tuple[tuple[str, str], ...] = ()


class CallsGrammar:
    """Answers that are calls, or one call of `no_function`.

    A call names a function on offer and has its arguments in the order of the schema, the required
    ones always; they fit as `FunctionSpec.check_arguments` has it. It may have a label, the next
    free one. References name labels of calls before it, and fields and items that are known to be
    there: those of a result that the prompt shows, else those of the schema of the output. Where
    types are known on both sides they agree. A literal that begins like a reference is escaped.
    What a call may refer to depends on those before it, so the grammar is made anew after each one.

    Args:
        functions: Those on offer.
        frame: What stands around calls, and how they are written.
        shown: The calls that the prompt shows, in order.
        results: What these returned, one each; shorter where the prompt does not show them.
        limits: Bounds of lengths; None for those that gin configures.
    """

    def __init__(
        self,
        functions: Sequence[FunctionSpec],
        frame: CallFrame,
        shown: Sequence[Call] = (),
        results: Sequence[Any] = (),
        limits: GrammarLimits | None = None,
    ) -> None:
        self._functions = {spec.name: spec for spec in functions}
        self._frame = frame
        self._limits = limits or GrammarLimits()
        self._outputs = [
            Output(call.label, self._output_of(call.name), *_result(results, index))
            for index, call in enumerate(shown)
            if call.label is not None
        ]
        self._names = Spelling(0, frame.markers)
        self._arguments = Spelling(int(frame.has_quoted_arguments), frame.markers)
        self._calls: dict[tuple[tuple[str, str], ...], Node] = {}
        self._stretches: dict[_Written, Stretch] = {}
        self._alike: dict[tuple[object, ...], Stretch] = {}
        self._prices: dict[int, tuple[Tokens, Prices]] = {}

    def constraint(self, vocabulary: Vocabulary, max_new_tokens: int) -> Constraint:
        """Begins an answer; see `granite_fc.decoding.constraint.AnswerGrammar`.

        Raises:
            NoRoomError: The tokens do not hold the shortest answer.
        """
        tokens = tokens_of(vocabulary)
        if id(tokens) not in self._prices:
            self._prices[id(tokens)] = (tokens, tokens.prices())
        prices = self._prices[id(tokens)][1]
        return TextConstraint(self._after(_Written()), tokens, prices, max_new_tokens)

    @functools.cached_property
    def narrowed(self) -> tuple[str, ...]:
        """Where calls are kept to more than schemas say: "function.parameter: keyword".

        Of a keyword that speaks of all parameters together there is "function: keyword".
        """
        found = []
        for name, spec in self._functions.items():
            for parameter, schema in spec.properties.items():
                values = self._values(spec, None)
                values.value(schema, self._limits.depth - 1)
                found += [f"{name}.{parameter}: {keyword}" for keyword in sorted(values.narrowed)]
            alone = {key: value for key, value in spec.parameters.items() if key != "properties"}
            values = self._values(spec, None)
            values.object({**alone, "properties": {}}, self._limits.depth)
            found += [f"{name}: {keyword}" for keyword in sorted(values.narrowed)]
        return tuple(found)

    def _values(
        self, spec: FunctionSpec, referred: Callable[[frozenset[str]], Node] | None
    ) -> Values:
        return Values(spec.parameters, self._limits, self._arguments, referred)

    def _after(self, written: _Written) -> Stretch:
        """The part of an answer that follows some calls, up to the end of the next."""
        if written not in self._stretches:
            self._stretches[written] = self._stretch(written)
        return self._stretches[written]

    def _stretch(self, written: _Written) -> Stretch:
        frame, count = self._frame, written.number
        closing = text(frame.closing)
        if count >= self._limits.calls:
            return Stretch(closing)
        before = (frame.between if count else frame.opening) + frame.call_opening(count)

        def go_on(part: bytes) -> Stretch:
            call, _ = decode_prefix(part.decode(), len(before))
            label = call.get("label")
            labelled = written.labelled + (((label, call["name"]),) if label else ())
            return self._after(_Written(count + 1, labelled))

        # Calls after the first that are not numbered and may refer to the same are alike.
        is_last = count + 1 == self._limits.calls
        place = (written.labelled, count > 0, is_last, before)
        alike = self._alike.get(place)
        if alike is None:
            alike = self._alike[place] = Stretch(self._node(written, before), go_on)
        return alike.like(go_on)

    def _node(self, written: _Written, before: str) -> Node:
        """The texts of a stretch, given what stands before the object of its call."""
        frame, count = self._frame, written.number
        closing = text(frame.closing)
        begun = before + self._names.spell('{"name": ')
        remainders = self._remainders(written.labelled)
        following: list[Node] = [closing]
        if count + 1 < self._limits.calls and remainders is not NOTHING:
            next_before = frame.between + frame.call_opening(count + 1)
            beyond = sequence(remainders, text("}" + frame.call_closing + frame.closing))
            # The same text as the next stretch begins with, so that it costs the same there: a
            # longer one may be spelled in fewer tokens.
            next_begun = text(next_before + self._names.spell('{"name": '))
            following.append(sequence(next_begun, Beyond(beyond)))
        end = sequence(text("}" + frame.call_closing), Boundary(choice(following)))
        node = sequence(text(begun), remainders, end)
        if count:
            node = choice((closing, node))
        else:
            nothing = self._names.spell(encode(NO_CALL.to_json())).removeprefix('{"name": ')
            if frame.has_quoted_arguments:
                nothing = nothing.replace("{}", '"{}"')
            none = text(nothing + frame.call_closing + frame.closing)
            node = sequence(text(begun), choice((none, sequence(remainders, end))))
        return node

    def _remainders(self, labelled: tuple[tuple[str, str], ...]) -> Node:
        """What may follow `{"name": `, to the end of the arguments."""
        if labelled not in self._calls:
            self._calls[labelled] = self._new_remainders(labelled)
        return self._calls[labelled]

    def _new_remainders(self, labelled: tuple[tuple[str, str], ...]) -> Node:
        outputs = list(self._outputs)
        outputs += [Output(label, self._output_of(name)) for label, name in labelled]
        references = References(outputs, self._limits, self._arguments)
        numbers = [int(output.label.removeprefix("$var_")) for output in outputs]
        label = encode(f"$var_{max(numbers, default=0) + 1}")
        optional_label = choice((text('"arguments": '), text(f'"label": {label}, "arguments": ')))
        options = []
        for name, spec in self._functions.items():
            values = self._values(spec, references.of_types)
            arguments = values.object(spec.parameters, self._limits.depth)
            if self._frame.has_quoted_arguments:
                arguments = sequence(text('"'), arguments, text('"'))
            spelled = self._names.spell(json.dumps(name, ensure_ascii=False))
            options.append(sequence(text(f"{spelled}, "), optional_label, arguments))
        return choice(options)

    def _output_of(self, name: str) -> Any:
        spec = self._functions.get(name)
        return None if spec is None else spec.output


def _result(results: Sequence[Any], index: int) -> tuple[Any, bool]:
    return (results[index], True) if index < len(results) else (None, False)
