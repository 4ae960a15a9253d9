import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from granite_fc.calls.call import Call
from granite_fc.calls.graph import CallGraph
from granite_fc.calls.reference import Reference
from granite_fc.calls.spec import FunctionSpec
from tasks.sources.episode import AssistantTurn, CallTurn, UserTurn
from tasks.sources.links import LinkCounts, count_links, links
from tasks.sources.value_links import leaves, link_values


def calls(*pairs):
    """A call turn of (name, arguments, result) triples."""
    graph = CallGraph(tuple(Call(name, arguments) for name, arguments, _ in pairs))
    return CallTurn(graph, tuple(result for _, _, result in pairs))


def linked_arguments(turns, place=-1, **options):
    linked, _ = link_values(turns, **options)
    return dict(linked[place].calls[-1].arguments)


FIND = calls(("find", {"city": "Bonn"}, [{"name": "Hotel Ada"}, {"name": "Hotel Bea"}]))
ASK = UserTurn("A hotel in Bonn, please.")


def book(**arguments):
    return calls(("book", arguments, {"done": True}))


def test_a_value_that_a_result_introduced_becomes_a_reference():
    turns = [ASK, FIND, AssistantTurn("Hotel Bea?"), UserTurn("Yes."), book(name="Hotel Bea")]
    linked, counts = link_values(turns)
    assert linked[1].calls[0] == Call("find", {"city": "Bonn"}, "$var_1")
    assert linked[4].calls[0] == Call("book", {"name": Reference("$var_1", (1, "name"))})
    assert linked[1].results == FIND.results
    assert counts == count_links(linked) == LinkCounts(within_turn=0, across_turns=1)


@pytest.mark.parametrize(
    "told", [UserTurn("Hotel Bea it is."), UserTurn("hotel bea"), UserTurn("The Bea hotel?")]
)
def test_not_where_a_user_turn_says_it(told):
    assert linked_arguments([ASK, FIND, told, book(name="Hotel Bea")]) == {"name": "Hotel Bea"}
    # Nor where it was said before the result came.
    assert linked_arguments([told, FIND, book(name="Hotel Bea")]) == {"name": "Hotel Bea"}


def test_not_where_a_user_turn_gives_it_in_other_words():
    turns = [ASK, FIND, UserTurn("The second."), book(name="Hotel Bea")]
    assert linked_arguments(turns, given={2: ["hotel bea"]}) == {"name": "Hotel Bea"}
    assert linked_arguments(turns, given={2: ["Hotel Ada"]})["name"] != "Hotel Bea"


def test_what_the_assistant_says_is_no_gift_of_the_user():
    turns = [ASK, FIND, AssistantTurn("Hotel Bea?"), UserTurn("Fine."), book(name="Hotel Bea")]
    assert isinstance(linked_arguments(turns)["name"], Reference)


def test_results_that_echo_an_argument_introduce_nothing():
    first = calls(("find", {"city": "Bonn"}, [{"city": "Bonn", "name": "Hotel Ada"}]))
    turns = [UserTurn("A hotel here."), first, book(city="Bonn")]
    assert linked_arguments(turns) == {"city": "Bonn"}


def test_results_that_echo_a_default_introduce_nothing():
    weather = FunctionSpec(
        "weather",
        parameters={
            "type": "object",
            "properties": {"day": {"type": "string", "default": "2019-03-01"}},
        },
    )
    turns = [
        UserTurn("Sunny?"),
        calls(("weather", {}, {"day": "2019-03-01"})),
        book(day="2019-03-01"),
    ]
    assert linked_arguments(turns, functions=[weather]) == {"day": "2019-03-01"}
    assert isinstance(linked_arguments(turns)["day"], Reference)


def test_a_value_that_was_linked_once_is_linked_again_to_what_introduced_it():
    check = calls(("check", {"name": "Hotel Bea"}, {"name": "Hotel Bea", "free": "yes"}))
    turns = [ASK, FIND, check, book(name="Hotel Bea")]
    linked, counts = link_values(turns)
    reference = Reference("$var_1", (1, "name"))
    assert [linked[n].calls[0].arguments["name"] for n in (2, 3)] == [reference, reference]
    assert linked[2].calls[0].label is None
    assert counts.across_turns == 2


def test_references_inside_one_turn_are_told_from_those_across():
    chain = calls(
        ("find", {"city": "Bonn"}, {"id": "h-417"}),
        ("hold", {"id": "h-417"}, {"hold": "x-99"}),
    )
    linked, counts = link_values([ASK, chain, UserTurn("Go."), book(hold="x-99", id="h-417")])
    assert counts == LinkCounts(within_turn=1, across_turns=2)
    assert [link.within_turn for link in links(linked)] == [True, False, False]
    assert linked[1].calls.dependencies() == [set(), {0}]
    assert linked[3].calls.known_labels == {"$var_1", "$var_2"}


def test_identifiers_are_said_by_nothing_but_themselves():
    found = calls(("find", {"query": "latte"}, {"id": "matcha-latte-5488"}))
    turns = [UserTurn("One matcha latte."), found, book(id="matcha-latte-5488")]
    assert isinstance(linked_arguments(turns)["id"], Reference)
    spaced = calls(("find", {"query": "latte"}, {"id": "matcha latte-5488"}))
    turns = [UserTurn("One matcha latte."), spaced, book(id="matcha latte-5488")]
    assert isinstance(linked_arguments(turns)["id"], Reference)
    turns = [UserTurn("Item matcha-latte-5488."), found, book(id="matcha-latte-5488")]
    assert linked_arguments(turns) == {"id": "matcha-latte-5488"}


@pytest.mark.parametrize("value", [True, None, 7, "7", "42", 42, "no", "True", "none", ""])
def test_values_that_may_be_anywhere_are_left_alone(value):
    turns = [UserTurn("Hm."), calls(("find", {}, {"x": value})), book(x=value)]
    assert linked_arguments(turns) == {"x": value}


@pytest.mark.parametrize("value, other", [("417", 417), (417, 417.0), ("Hotel", "hotel")])
def test_only_equal_values_of_the_same_type_are_linked(value, other):
    turns = [UserTurn("Hm."), calls(("find", {}, {"x": other})), book(x=value)]
    assert linked_arguments(turns) == {"x": value}


def test_listed_values_need_a_field_of_the_same_name_and_defaults_are_never_linked():
    kind = {"type": "string", "enum": ["Compact", "Standard"]}
    spec = FunctionSpec("book", parameters={"type": "object", "properties": {"kind": kind}})
    same, other = ({name: "Compact"} for name in ("kind", "name"))

    def kind_of(result, function):
        turns = [UserTurn("A car."), calls(("find", {}, result)), book(kind="Compact")]
        return linked_arguments(turns, functions=[function])["kind"]

    assert kind_of(same, spec) == Reference("$var_1", ("kind",))
    assert kind_of(other, spec) == "Compact"
    with_default = dataclasses.replace(
        spec, parameters={"type": "object", "properties": {"kind": {**kind, "default": "Compact"}}}
    )
    assert kind_of(same, with_default) == "Compact"


def test_values_inside_an_argument_are_linked_by_their_own_names():
    found = calls(("find", {}, {"extras": [{"id": "milk-x", "name": "Milk"}]}))
    extras = [{"id": "milk-x", "amount": "2"}, {"id": "oat-y"}]
    arguments = linked_arguments([UserTurn("Hm."), found, book(extras=extras)])
    reference = Reference("$var_1", ("extras", 0, "id"))
    assert arguments == {"extras": [{"id": reference, "amount": "2"}, {"id": "oat-y"}]}


@pytest.mark.parametrize(
    "names, places", [(["Ada", "Bea", "Cleo"], (0, 1, 2)), (["Ada", "Dora"], None)]
)
def test_of_a_list_all_values_are_referred_to_or_none(names, places):
    found = calls(("find", {}, {"names": ["Ada", "Bea", "Cleo"]}))
    arguments = linked_arguments([UserTurn("As Bea and Dora do."), found, book(names=names)])
    if places is None:
        assert arguments == {"names": names}
    else:
        assert arguments["names"] == [Reference("$var_1", ("names", n)) for n in places]


@pytest.mark.parametrize(
    "result, path",
    [
        ({"name": "Hotel Ada", "hotel": "Hotel Ada"}, ("hotel",)),
        ({"name": "Hotel Ada", "nice_hotel": "Hotel Ada"}, ("nice_hotel",)),
        ({"name": "Hotel Ada", "title": "Hotel Ada"}, ("name",)),
        ([{"hotel": "Hotel Ada"}, {"hotel": "Hotel Ada"}], (0, "hotel")),
        ([{"hotel": "Hotel Ada"}, {"hotel": "Hotel Ada", "day": "Monday"}], (1, "hotel")),
    ],
)
def test_the_most_fitting_place_is_referred_to(result, path):
    turns = [UserTurn("On Monday."), calls(("find", {}, result))]
    turns.append(book(hotel="Hotel Ada", day="Monday"))
    assert linked_arguments(turns) == {"hotel": Reference("$var_1", path), "day": "Monday"}


def test_of_several_rows_the_one_that_was_spoken_of_is_referred_to():
    halls = [{"hall": "Ada Hall", "day": "2019-03-05"}, {"hall": "Bea Hall", "day": "2019-03-05"}]
    turns = [UserTurn("A concert?"), calls(("find", {}, halls)), AssistantTurn("Bea Hall?")]
    arguments = linked_arguments([*turns, UserTurn("Am I free then?"), book(day="2019-03-05")])
    assert arguments == {"day": Reference("$var_1", (1, "day"))}


@pytest.mark.parametrize(
    "texts, row",
    [
        (["An Astra?", "Another?", "A Polo?", "Fine, 2 days."], 1),
        (["An Astra?", "Another?", "A Polo?", "Rather the Astra."], 0),
        (["An Astra with 2 doors?", "A Polo with 4 doors?", "For 2 days."], 1),
    ],
)
def test_of_rows_that_share_a_value_the_one_spoken_of_last_is_referred_to(texts, row):
    cars = [
        {"car": "Astra", "place": "Main Station", "doors": "2", "class": "small"},
        {"car": "Polo", "place": "Main Station", "doors": "4"},
    ]
    turns = [UserTurn("A small car."), calls(("find", {}, cars)), *map(AssistantTurn, texts)]
    arguments = linked_arguments([*turns, UserTurn("Yes."), book(place="Main Station")])
    assert arguments == {"place": Reference("$var_1", (row, "place"))}


@pytest.mark.parametrize("replies, label", [(["Ada?", "Bea?"], "$var_2"), (["Bea?", ""], "$var_1")])
def test_of_equal_rows_that_of_the_search_before_it_was_offered_is_referred_to(replies, label):
    first, second = ([{"name": name} for name in names] for names in (["Ada", "Bea"], ["Bea"]))
    turns = [UserTurn("Hm."), calls(("find", {}, first)), AssistantTurn(replies[0])]
    turns += [UserTurn("More."), calls(("find", {"more": 1}, second)), AssistantTurn(replies[1])]
    arguments = linked_arguments([*turns, UserTurn("Yes."), book(name="Bea")])
    assert arguments["name"].label == label


def test_what_is_tried_again_refers_to_no_result_of_its_own():
    first = calls(("book", {"hour": "17:00"}, [{"hour": "17:30", "desk": "Ada Hall"}]))
    turns = [UserTurn("At 5 pm."), first, AssistantTurn("At 5:30 pm?"), UserTurn("Yes.")]
    again = book(hour="17:30")
    assert linked_arguments([*turns, again], transactions=["book"]) == {"hour": "17:30"}
    other = calls(("call", {"desk": "Ada Hall"}, {}))
    arguments = linked_arguments([*turns, again, other], transactions=["book"])
    assert arguments == {"desk": Reference("$var_1", (0, "desk"))}
    done = calls(("book", {"hour": "17:30"}, [{"hour": "17:30", "desk": "Ada Hall"}]))
    arguments = linked_arguments([*turns, done, other], transactions=["book"])
    assert arguments == {"desk": Reference("$var_2", (0, "desk"))}


def test_a_list_refers_to_no_result_of_the_call_that_is_tried_again():
    found = calls(("find", {}, [{"id": "seat-11"}]))
    first = calls(("book", {"hour": "17:00"}, [{"id": "seat-11"}, {"id": "seat-12"}]))
    turns = [UserTurn("At 5 pm."), found, first, UserTurn("Both.")]
    turns.append(book(ids=["seat-11", "seat-12"]))
    assert linked_arguments(turns, transactions=["book"]) == {"ids": ["seat-11", "seat-12"]}
    assert all(isinstance(value, Reference) for value in linked_arguments(turns)["ids"])


def test_of_several_results_the_first_has_a_name_and_the_last_a_date_or_time():
    result = [{"hotel": "Hotel Ada", "hour": "18:30"}]
    turns = [UserTurn("Hm."), calls(("find", {}, result)), calls(("look", {}, result))]
    hotel = linked_arguments([*turns, book(hotel="Hotel Ada")])
    assert hotel == {"hotel": Reference("$var_1", (0, "hotel"))}
    hour = linked_arguments([*turns, book(hour="18:30")])
    assert hour == {"hour": Reference("$var_2", (0, "hour"))}


def test_one_row_gives_all_values_of_a_call_if_it_has_them():
    first = [{"hotel": "Hotel Ada", "street": "Elm"}, {"hotel": "Hotel Bea", "street": "Oak"}]
    second = [{"hotel": "Hotel Ada", "street": "Oak"}]
    turns = [UserTurn("Hm."), calls(("find", {}, first)), calls(("find", {}, second))]
    arguments = linked_arguments([*turns, book(hotel="Hotel Ada", street="Oak")])
    assert arguments == {
        "hotel": Reference("$var_2", (0, "hotel")),
        "street": Reference("$var_2", (0, "street")),
    }
    turns[2] = calls(("find", {}, first))
    arguments = linked_arguments([*turns, book(hotel="Hotel Bea", street="Oak")])
    assert {reference.label for reference in arguments.values()} == {"$var_2"}
    arguments = linked_arguments([*turns, book(hotel="Hotel Bea", street="Elm")])
    assert arguments["hotel"].path == (1, "hotel") and arguments["street"].path == (0, "street")


def test_most_words_of_a_value_do_not_give_it():
    found = calls(("find", {}, {"name": "Mental Health Alliance"}))
    turns = [UserTurn("For mental health."), found, book(name="Mental Health Alliance")]
    assert isinstance(linked_arguments(turns)["name"], Reference)
    turns[0] = UserTurn("The alliance for mental health.")
    assert linked_arguments(turns) == {"name": "Mental Health Alliance"}


def test_a_word_of_the_request_is_no_identifier():
    def linked(value, request):
        field = {"option_id": value}
        turns = [UserTurn(request), calls(("find", {}, {**field, "name": value})), book(**field)]
        return isinstance(linked_arguments(turns)["option_id"], Reference)

    assert linked("caffeine", "Without caffeine.")
    assert linked("1200", "Twelve hundred.")
    assert not linked("1200", "Number 1200.")
    named = calls(("find", {}, {"name": "caffeine"}))
    arguments = linked_arguments([UserTurn("No caffeine."), named, book(option_id="caffeine")])
    assert arguments == {"option_id": "caffeine"}


def test_only_values_that_a_source_points_to_are_referred_to():
    turns = [UserTurn("Hm."), calls(("find", {}, {"a": "Hotel Ada"})), book(a="Hotel Ada")]
    assert linked_arguments(turns, result_paths=lambda result: ()) == {"a": "Hotel Ada"}


def test_turns_without_results_stay_as_they_are():
    turns = (ASK, CallTurn(FIND.calls), book(name="Hotel Ada"))
    assert link_values(turns) == (turns, LinkCounts())


WORDS = st.sampled_from(["Hotel Ada", "Bonn", "18:30", "x-415", "Monday", "yes", "12", 417])
JSON_VALUES = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
CALLS = st.tuples(
    st.sampled_from(["find", "book"]),
    st.dictionaries(st.sampled_from("abcd"), JSON_VALUES, max_size=3),
    JSON_VALUES,
)
TURNS = st.lists(
    st.sampled_from(["Hm.", "Bonn!", "On Monday.", "x-415"]).map(UserTurn)
    | st.lists(CALLS, min_size=1, max_size=3).map(lambda made: calls(*made)),
    max_size=6,
)
GIVEN = st.dictionaries(st.integers(0, 5), st.lists(WORDS.map(str), max_size=2), max_size=3)


def flat_calls(turns):
    return [
        (index, call, result)
        for index, turn in enumerate(turns)
        if isinstance(turn, CallTurn)
        for call, result in zip(turn.calls, turn.results, strict=True)
    ]


def resolved(value, results):
    if isinstance(value, Reference):
        found = results[value.label]
        for step in value.path:
            found = found[step]
        return found
    if isinstance(value, dict):
        return {key: resolved(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, results) for item in value]
    return value


@given(TURNS, GIVEN)
@settings(max_examples=150, deadline=None)
def test_resolving_the_references_gives_back_the_literal_arguments(turns, given_values):
    linked, counts = link_values(turns, given=given_values)
    results = {}
    number_of_references = 0
    for (_, literal, _), (_, call, result) in zip(
        flat_calls(turns), flat_calls(linked), strict=True
    ):
        # Only results of earlier calls are there to be resolved.
        assert resolved(dict(call.arguments), results) == dict(literal.arguments)
        assert call.name == literal.name
        number_of_references += sum(
            isinstance(item, Reference) for _, item in leaves(call.arguments)
        )
        if call.label is not None:
            results[call.label] = result
    assert number_of_references == sum(counts)
    used = {link.reference.label for link in links(linked)}
    assert used == set(results)


@given(TURNS, GIVEN)
@settings(max_examples=150, deadline=None)
def test_the_rule_by_brute_force_finds_the_same_values(turns, given_values):
    linked, _ = link_values(turns, given=given_values)
    made = flat_calls(turns)
    literal = []
    for number, ((index, call, _), (_, with_references, _)) in enumerate(
        zip(made, flat_calls(linked), strict=True)
    ):
        told = [
            value.casefold()
            for n, turn in enumerate(turns[:index])
            if isinstance(turn, UserTurn)
            for value in (turn.text.strip("!.").removeprefix("On "), *given_values.get(n, ()))
        ]
        expected = [
            path
            for path, value in leaves(call.arguments)
            if len(str(value)) > 2
            and value != "yes"
            and str(value).casefold() not in told
            and value not in literal
            and is_introduced(value, made[:number])
        ]
        expected = all_or_none(call.arguments, expected, made[:number])
        found = leaves(with_references.arguments)
        assert [path for path, value in found if isinstance(value, Reference)] == expected
        literal += [v for path, v in leaves(call.arguments) if path not in expected]


def all_or_none(arguments, paths, earlier):
    """The paths, but of each list of values all or none."""
    values = dict(leaves(arguments))
    lists = {}
    for path in values:
        lists.setdefault(path[:-1] if isinstance(path[-1], int) else path, []).append(path)
    chosen = []
    for members in lists.values():
        found = [path in paths for path in members]
        if all(found) or (any(found) and all(is_introduced(values[m], earlier) for m in members)):
            chosen += members
    return [path for path in values if path in chosen]


def is_introduced(value, earlier):
    """Whether a result has the value and no call up to it was passed it."""
    asked = []
    for _, call, result in earlier:
        asked += [item for _, item in leaves(call.arguments)]
        if value not in asked and value in [item for _, item in leaves(result)]:
            return True
    return False
