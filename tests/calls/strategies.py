"""What hypothesis draws for the tests of this room."""

from __future__ import annotations

from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.syntax import MARKERS

labels = st.integers(0, 30).map(lambda number: f"$var_{number}")
path_entries = st.one_of(
    st.integers(0, 999_999_999),
    st.text(max_size=6),
    st.text(alphabet="~.$012a\\", max_size=6),
)
references = st.builds(Reference, labels, st.lists(path_entries, max_size=4).map(tuple))

# Literals that are hard to tell from references or from the syntax around them.
look_alikes = st.builds(
    "{}{}{}".format,
    st.text(alphabet="$", max_size=5),
    st.sampled_from(
        ["var_1", "var_", "var1", "var_12.a.0", "var", "~0", "VAR_1", "var_1$.b", "\n"]
    ),
    st.text(alphabet='$ .\n"\\', max_size=4),
)
markers = st.builds(
    "{}{}{}".format, st.text(max_size=3), st.sampled_from(MARKERS), st.text(max_size=3)
)
strings = st.one_of(st.text(max_size=12), look_alikes, markers)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
literals = st.one_of(st.none(), st.booleans(), numbers, strings)


def nested(leaves: st.SearchStrategy) -> st.SearchStrategy:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
        max_leaves=12,
    )


json_values = nested(literals)
values = nested(literals | references)
names = st.text(min_size=1, max_size=8).filter(lambda name: name != "no_function")
calls = st.builds(Call, names, st.dictionaries(strings, values, max_size=4), st.none() | labels)


@st.composite
def graphs(draw: st.DrawFn, max_calls: int = 5) -> CallGraph:
    """Small graphs of few names and values, so that equal and nearly equal calls are common."""
    drawn: list[Call] = []
    for index in range(draw(st.integers(0, max_calls))):
        earlier = [call.label for call in drawn]
        leaf = st.sampled_from([1, 1.0, True, "1", None, 2])
        if earlier:
            leaf = leaf | st.builds(
                Reference, st.sampled_from(earlier), st.sampled_from([(), ("a",), (0,)])
            )
        leaf = leaf | st.just(Reference("$var_99", ("a",)))
        value = leaf | st.lists(leaf, max_size=2) | st.fixed_dictionaries({"k": leaf})
        arguments = draw(st.dictionaries(st.sampled_from("xy"), value, max_size=2))
        drawn.append(Call(draw(st.sampled_from("fg")), arguments, f"$var_{index}"))
    return CallGraph(tuple(drawn), known_labels=frozenset({"$var_99"}))


def typed(value: object) -> object:
    """A form of a value in which Python's equality tells true from 1 and 1 from 1.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value
