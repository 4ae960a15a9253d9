import json

import pytest

from granite_fc.calls.call import Call
from granite_fc.calls.reference import Reference
from tasks.sources import taskmaster4
from tasks.sources.episode import AssistantTurn, CallTurn, Episode, UserTurn
from tasks.sources.links import count_links
from tasks.sources.records import Coercion, Reject, problem
from tasks.sources.taskmaster4 import Taskmaster4Config
from tasks.sources.taskmaster4_functions import FUNCTIONS
from tests.real_data import DATA_DIR, needs_public_data
from tests.sources.raw_data import write_taskmaster4

ALL_TRAIN = Taskmaster4Config(validation_share=0.0)

MENU = ("get_menu_items", {"query": "Latte"}, {"menu_items": [{"menu_item_id": "latte-551"}]})
ADDONS = (
    "get_addons",
    {"query": "Caramel", "menu_item_id": "latte-551"},
    {"addons": [{"addon_id": "sauce-22", "name": "Caramel Sauce", "options": ["NO", "ADD"]}]},
)
ADD = (
    "add_order_item",
    {
        "menu_item_id": "latte-551",
        "quantity": "1",
        "addons": [{"addon_id": "sauce-22", "option": "ADD"}],
    },
    {"order_id": "31415", "order_item_id": "92653"},
)
SHOW = ("get_order_details", {"order_id": "31415"}, {"order_id": "31415", "menu_items": []})
FINISH = ("finish_order", {"order_id": "31415"}, {"success": True})


def utterance(speaker, text, *calls):
    annotations = []
    for number, (name, request, response) in enumerate(calls):
        for kind, value in (("api_call", request), ("api_response", response)):
            context = f"{kind}_{number}"
            annotations.append({"name": kind, "value": name, "context": context})
            if value is not None:
                part = "request" if kind == "api_call" else "response"
                written = value if isinstance(value, str) else json.dumps(value)
                annotations.append({"name": part, "value": written, "context": context})
    return {"speaker": speaker, "text": text, "annotations": annotations}


def order(*utterances, record_id="dlg-1"):
    return {"conversation_id": record_id, "utterances": list(utterances)}


ORDER = order(
    utterance("user", "A caramel latte, please.", MENU, ADDONS, ADD, SHOW),
    utterance("assistant", "Is this right?\\r"),
    utterance("user", "Yes.", FINISH),
    utterance("assistant", "Ready soon."),
)


def read(tmp_path, *records, split="train", config=ALL_TRAIN):
    directory = write_taskmaster4(tmp_path, list(records))
    return list(taskmaster4.episodes(directory, split, config))


def test_an_order_becomes_an_episode_with_references_within_and_across_turns(tmp_path):
    coercion, episode = read(tmp_path, ORDER)
    assert coercion == Coercion("dlg-1", "escaped_line_break_dropped", 1)
    user, first, asked, yes, last, done = episode.turns
    assert (user, asked) == (UserTurn("A caramel latte, please."), AssistantTurn("Is this right?"))
    assert (yes, done) == (UserTurn("Yes."), AssistantTurn("Ready soon."))
    item = Reference("$var_1", ("menu_items", 0, "menu_item_id"))
    addon = Reference("$var_2", ("addons", 0, "addon_id"))
    assert list(first.calls) == [
        Call("get_menu_items", {"query": "Latte"}, "$var_1"),
        Call("get_addons", {"query": "Caramel", "menu_item_id": item}, "$var_2"),
        Call(
            "add_order_item",
            {
                "menu_item_id": item,
                "quantity": "1",
                "addons": [{"addon_id": addon, "option": "ADD"}],
            },
            "$var_3",
        ),
        Call("get_order_details", {"order_id": Reference("$var_3", ("order_id",))}),
    ]
    assert list(last.calls) == [
        Call("finish_order", {"order_id": Reference("$var_3", ("order_id",))})
    ]
    assert count_links(episode.turns) == (4, 1)
    assert episode.ungrounded == ()
    assert set(episode.services) == {spec.name for spec in episode.functions}


def test_what_is_shown_after_a_change_that_it_does_not_refer_to_has_a_turn_of_its_own(tmp_path):
    change = (
        "update_order_item",
        {"order_item_id": "92653", "attributes": [{"attribute_id": "milk-x", "option": "Oat"}]},
        {"order_item_id": "92653"},
    )
    look = ("get_addons", {"query": "oat"}, {"attributes": [{"attribute_id": "milk-x"}]})
    record = order(
        utterance("user", "A caramel latte, please.", MENU, ADDONS, ADD, SHOW),
        utterance("assistant", "Right?"),
        utterance("user", "With oat milk.", look, change, SHOW),
    )
    (episode,) = read(tmp_path, record)
    names = [turn.calls.names for _, turn in episode.call_turns()]
    assert names[1:] == [("get_addons", "update_order_item"), ("get_order_details",)]
    assert not any(turn.calls.is_parallel for _, turn in episode.call_turns())


def test_what_shows_an_order_refers_to_its_last_change(tmp_path):
    more = (ADD[0], {**ADD[1], "order_id": "31415"}, {"order_id": "31415", "order_item_id": "6"})
    two = utterance("user", "Two caramel lattes, please.", MENU, ADDONS, ADD, more, SHOW)
    yes = utterance("user", "Yes.", FINISH)
    (episode,) = read(tmp_path, order(two, utterance("assistant", "Right?"), yes))
    (_, first), (_, last) = episode.call_turns()
    _, _, added, again, shown = first.calls
    assert again.arguments["order_id"] == Reference(added.label, ("order_id",))
    assert shown.arguments["order_id"] == Reference(again.label, ("order_id",))
    assert again.label not in (None, added.label)
    assert last.calls[0].arguments["order_id"] == Reference(added.label, ("order_id",))
    assert problem(episode) is None


def test_an_item_that_notes_what_was_searched_for_comes_after_the_search(tmp_path):
    look = ("get_addons", {"query": "Milk OR Extra Hot", "menu_item_id": "latte-551"}, ADDONS[2])
    noted = (ADD[0], {**ADD[1], "notes": "extra hot"}, ADD[2])
    record = order(
        utterance("user", "A latte with milk and caramel, extra hot.", MENU, look, noted)
    )
    (episode,) = read(tmp_path, record)
    names = [turn.calls.names for _, turn in episode.call_turns()]
    assert names == [("get_menu_items", "get_addons"), ("add_order_item",)]
    other = (ADD[0], {**ADD[1], "notes": "no lid"}, ADD[2])
    record = order(utterance("user", "A caramel latte without a lid, no lid.", MENU, look, other))
    (episode,) = read(tmp_path, record)
    assert len(list(episode.call_turns())) == 1


PLAIN = ("add_order_item", {"menu_item_id": "latte-551", "quantity": "1"}, ADD[2])


@pytest.mark.parametrize(
    "text", ["A latte to go.", "A latte, take away please.", "Make that latte to-go."]
)
def test_an_order_to_go_of_which_no_call_says_so_is_rejected(tmp_path, text):
    (record,) = read(tmp_path, order(utterance("user", text, MENU, PLAIN)))
    assert record == Reject("dlg-1", "to_go_left_out", text)
    look = ("get_addons", {"query": "to go"}, {"attributes": [{"attribute_id": "here-8"}]})
    asked = (
        "update_order",
        {"order_id": "31415", "attributes": [{"attribute_id": "here-8", "option": "To go"}]},
        {"order_id": "31415"},
    )
    (record,) = read(tmp_path, order(utterance("user", text, MENU, PLAIN, look, asked)))
    assert isinstance(record, Episode)


@pytest.mark.parametrize("text", ["I'm going to go for a latte.", "A latte. We're good to go."])
def test_other_uses_of_to_go_are_no_wish(tmp_path, text):
    (record,) = read(tmp_path, order(utterance("user", text, MENU, PLAIN)))
    assert isinstance(record, Episode)


def choosing(**chosen):
    return (ADD[0], {**ADD[1], **chosen}, ADD[2])


MILK = ("get_addons", {"query": "milk"}, {"attributes": [{"attribute_id": "milk-x"}]})
OAT = {"attributes": [{"attribute_id": "milk-x", "option": "oat Milk"}]}


@pytest.mark.parametrize(
    "texts, wish",
    [
        (["A caramel latte with oat milk."], "oat milk"),
        (["A caramel latte, decaffeinated please."], "decaffeinated"),
        (["A large caramel latte."], "large"),
        (["A caramel latte.", "Which sweeteners do you have?", "Vanilla, please."], "Vanilla"),
        (["A caramel latte with skim milk."], "skim"),
    ],
)
def test_a_wish_that_no_call_passes_on_rejects_the_order(tmp_path, texts, wish):
    first, *others = texts
    record = order(
        utterance("user", first, MENU, ADDONS, ADD), *(utterance("user", o) for o in others)
    )
    assert read(tmp_path, record) == [Reject("dlg-1", "wish_left_out", wish)]


@pytest.mark.parametrize(
    "text",
    [
        "A caramel latte with oat milk instead of whole milk.",
        "A caramel latte with oat milk. Do you have chocolate ones too?",
        "A caramel latte with oatmilk, without ice.",
        "An oat caramel latte. Thank you for double-checking.",
    ],
)
def test_wishes_that_are_passed_on_or_are_none(tmp_path, text):
    (episode,) = read(tmp_path, order(utterance("user", text, MENU, ADDONS, MILK, choosing(**OAT))))
    assert isinstance(episode, Episode)


def test_an_add_on_is_passed_on_by_an_identifier_without_its_name(tmp_path):
    sauce = {"addon_id": "sauce-22", "option": "ADD"}
    record = order(utterance("user", "A caramel latte.", MENU, ADDONS, choosing(addons=[sauce])))
    assert isinstance(read(tmp_path, record)[-1], Episode)


@pytest.mark.parametrize(
    "text, call, value",
    [
        ("A caramel latte.", choosing(**OAT), "oat Milk"),
        ("A caramel mocha.", ADD, "Latte"),
        ("A caramel latte.", choosing(notes="to go"), "to go"),
    ],
)
def test_a_choice_that_nobody_spoke_of_rejects_the_order(tmp_path, text, call, value):
    (record,) = read(tmp_path, order(utterance("user", text, MENU, ADDONS, MILK, call)))
    assert record == Reject("dlg-1", "choice_not_said", value)


@pytest.mark.parametrize("text", ["A carmel late with otmilk.", "A caramel latte with oats."])
def test_spelling_does_not_matter_for_what_was_spoken_of(tmp_path, text):
    named = text.replace("otmilk", "oatmilk")
    (record,) = read(tmp_path, order(utterance("user", named, MENU, ADDONS, MILK, choosing(**OAT))))
    assert not isinstance(record, Reject)


def test_descriptions_tell_what_is_not_to_be_passed_and_which_function_answers_what():
    specs = {spec.name: spec for spec in FUNCTIONS}
    notes = specs["add_order_item"].properties["notes"]["description"]
    assert "not for whom" in notes
    assert "whole menu" in specs["show_menu"].description
    assert "items of a kind" in specs["get_menu_items"].description


def test_identifiers_are_described_as_such():
    for spec in FUNCTIONS:
        for name, schema in spec.properties.items():
            assert not name.endswith("_id") or schema["description"].startswith("Identifier of")


def test_independent_calls_are_side_by_side(tmp_path):
    menu = ("show_menu", None, {"success": True})
    record = order(utterance("user", "Show me the menu. What lattes are there?", menu, MENU))
    coercion, episode = read(tmp_path, record)
    assert coercion == Coercion("dlg-1", "request_without_text_is_empty", 1)
    ((_, turn),) = episode.call_turns()
    assert turn.calls.is_parallel and turn.calls.names == ("show_menu", "get_menu_items")


def test_a_menu_that_nobody_asked_for_is_dropped(tmp_path):
    menu = ("show_menu", {}, {"success": True})
    coercion, episode = read(tmp_path, order(utterance("user", "Which lattes?", menu, MENU)))
    assert coercion == Coercion("dlg-1", "unasked_menu_dropped", 1)
    ((_, turn),) = episode.call_turns()
    assert turn.calls.names == ("get_menu_items",) and turn.results == (MENU[2],)
    (alone,) = read(tmp_path, order(utterance("user", "Which lattes?", menu)))
    assert [turn.calls.names for _, turn in alone.call_turns()] == [("show_menu",)]


@pytest.mark.parametrize(
    "text",
    [
        "Do you have any low-carb snacks?",
        "Hi, do you guys serve sandwiches?",
        "What type of eggs do you serve?",
        "So what is the best food at this coffee bar?",
    ],
)
def test_a_question_about_the_menu_is_no_example_of_what_the_bar_cannot_do(tmp_path, text):
    (record,) = read(tmp_path, order(utterance("user", text), utterance("assistant", "No.")))
    assert record == Reject("dlg-1", "menu_question", text)


@pytest.mark.parametrize(
    "text", ["Do you like coffee cake?", "Do you have a trivia night?", "What is the best movie?"]
)
def test_other_questions_are(tmp_path, text):
    (record,) = read(tmp_path, order(utterance("user", text)))
    assert record.no_call_reason == "no_function"


def test_a_conversation_without_calls_is_answered_by_none(tmp_path):
    record = order(utterance("user", "Who won?"), utterance("assistant", "Sorry, only coffee."))
    (episode,) = read(tmp_path, record)
    assert episode.no_call_reason == "no_function"
    assert len(episode.functions) == len(FUNCTIONS)


def test_before_a_call_that_cannot_be_read_the_conversation_ends(tmp_path):
    bad = ("finish_order", '{"order_id": ""31415""}', {"success": True})
    record = order(*ORDER["utterances"][:2], utterance("user", "Yes.", bad))
    records = read(tmp_path, record)
    assert Coercion("dlg-1", "cut_before_malformed_call", 1) in records
    assert len(records[-1].turns) == 3


def test_before_an_identifier_that_no_response_introduced_the_conversation_ends(tmp_path):
    sauce = {"order_item_id": "92653", "addons": [{"addon_id": "sauce-022", "option": "ADD"}]}
    change = ("update_order_item", sauce, {"order_item_id": "92653"})
    record = order(
        utterance("user", "A latte.", MENU, (ADD[0], {"menu_item_id": "latte-551"}, ADD[2])),
        utterance("assistant", "Is this right?"),
        utterance("user", "Caramel, too.", ADDONS, change, SHOW),
        utterance("user", "Yes.", FINISH),
    )
    coercion, episode = read(tmp_path, record)
    assert coercion == Coercion("dlg-1", "cut_before_unknown_identifier", 1)
    assert episode.turns[-1] == AssistantTurn("Is this right?") and len(episode.turns) == 3
    assert problem(episode) is None
    first = order(utterance("user", "A latte.", MENU, (ADD[0], {"menu_item_id": "latte-55"}, {})))
    assert read(tmp_path, first) == [Reject("dlg-1", "unknown_identifier", "latte-55")]


def test_before_a_menu_for_a_question_that_a_search_answers_the_conversation_ends(tmp_path):
    menu = ("show_menu", {}, {"success": True})
    asked = utterance("user", "What kinds of milk do you have?", menu)
    coercion, episode = read(tmp_path, order(utterance("user", "A latte.", MENU), asked))
    assert coercion == Coercion("dlg-1", "cut_before_menu_for_search", 1)
    assert len(episode.turns) == 2
    (record,) = read(tmp_path, order(asked))
    assert record == Reject("dlg-1", "menu_for_search", asked["text"])
    (record,) = read(tmp_path, order(utterance("user", "Which teas are on the menu?", menu)))
    assert isinstance(record, Episode)


def test_an_option_is_written_as_a_response_listed_it(tmp_path):
    milk = {"attribute_id": "milk-x", "options": ["Oat Milk", "2% Lactose Free Milk"]}
    look = ("get_addons", {"query": "milk"}, {"attributes": [milk]})
    chosen = [
        {"attribute_id": "milk-x", "option": "oat Milk"},
        {"attribute_id": "milk-x", "option": "2% lactose-free Milk"},
        {"attribute_id": "milk-x", "option": "no milk"},
    ]
    text = "A caramel latte with milk: oat, 2% lactose free, and no milk."
    show = (*SHOW[:2], {"order_id": "31415", "menu_items": [{"attributes": chosen}]})
    add = choosing(attributes=chosen)
    coercion, episode = read(
        tmp_path, order(utterance("user", text, MENU, ADDONS, look, add, show))
    )
    assert coercion == Coercion("dlg-1", "option_as_listed", 4)
    turns = [turn for _, turn in episode.call_turns()]
    made, shown = turns[-1].calls.calls[-2:], turns[-1].results[-1]
    written = ["Oat Milk", "2% Lactose Free Milk", "no milk"]
    assert [one["option"] for one in made[0].arguments["attributes"]] == written
    assert [one["option"] for one in shown["menu_items"][0]["attributes"]] == written


@pytest.mark.parametrize("spelling", ["Togo", "TO go", "To go"])
def test_the_option_for_orders_to_go_is_spelled_in_one_way(tmp_path, spelling):
    kind = {"attribute_id": "type-7", "options": ["Here", spelling]}
    look = ("get_addons", {"query": "to go", "scope": "order"}, {"attributes": [kind]})
    chosen = [{"attribute_id": "type-7", "option": spelling}]
    asked = ("update_order", {"order_id": "31415", "attributes": chosen}, {"order_id": "31415"})
    text = "A latte to go, please."
    *coercions, episode = read(tmp_path, order(utterance("user", text, MENU, PLAIN, look, asked)))
    num_changed = 2 * (spelling != "To go")
    assert sum(coercion.count for coercion in coercions) == num_changed
    made, shown = next(
        (turn.calls.calls[-1], turn.results[-2])
        for _, turn in episode.call_turns()
        if turn.calls.names[-1] == "update_order"
    )
    assert made.arguments["attributes"][0]["option"] == "To go"
    assert shown["attributes"][0]["options"] == ["Here", "To go"]


@pytest.mark.parametrize(
    "text, query, written, num_changed",
    [
        ("A decaf latte.", "milk OR decaffeinated", "milk OR decaf", 1),
        ("A latte, decaffeinated.", "Decaf", "decaffeinated", 1),
        ("A Decaf latte.", "decaf", "decaf", 0),
        ("A decaf latte, a decaffeinated one.", "decaf", "decaf", 0),
    ],
)
def test_decaf_is_searched_for_in_the_words_of_the_customer(
    tmp_path, text, query, written, num_changed
):
    look = ("get_addons", {"query": query}, {"attributes": []})
    *coercions, episode = read(tmp_path, order(utterance("user", text, MENU, look)))
    expected = [Coercion("dlg-1", "decaf_as_said", num_changed)] if num_changed else []
    assert coercions == expected
    ((_, turn),) = episode.call_turns()
    assert turn.calls[1].arguments["query"] == written


@pytest.mark.parametrize(
    "text, query, written",
    [
        ("A latte with vanilla.", "Vanilla Sweetener", "Vanilla"),
        ("Caramel and oat milk.", "Oat Milk OR Caramel Sauce", "Oat Milk OR Caramel"),
        ("Caramel sauce, vanilla.", "caramel sauce OR vanilla syrup", "caramel sauce OR vanilla"),
        ("Which sauces are there? Caramel?", "Caramel Sauce", "Caramel Sauce"),
        ("A sweet latte.", "Sweetener", "Sweetener"),
    ],
)
def test_the_kind_of_an_add_on_is_searched_for_where_the_customer_says_it(
    tmp_path, text, query, written
):
    look = ("get_addons", {"query": query}, {"addons": []})
    *coercions, episode = read(tmp_path, order(utterance("user", text, look)))
    expected = [Coercion("dlg-1", "kind_as_said", 1)] if written != query else []
    assert coercions == expected
    ((_, turn),) = episode.call_turns()
    assert turn.calls[0].arguments["query"] == written


def test_before_a_search_of_the_menu_for_an_addon_the_conversation_ends(tmp_path):
    search = ("get_menu_items", {"query": "sweeteners"}, {"menu_items": []})
    asked = utterance("user", "Do you have sweeteners?", search)
    coercion, episode = read(tmp_path, order(utterance("user", "A latte.", MENU), asked))
    assert coercion == Coercion("dlg-1", "cut_before_addon_as_item", 1)
    assert len(episode.turns) == 2
    (record,) = read(tmp_path, order(asked))
    assert record == Reject("dlg-1", "addon_as_item", "sweeteners")


NO_ITEM = ("get_menu_items", {"query": "Mocha"}, {"menu_items": []})
WHOLE_MENU = ("show_menu", {}, {"success": True})


@pytest.mark.parametrize(
    "text, call, reply, is_known",
    [
        ("Can I see the menu?", WHOLE_MENU, "Here it is. Have a Brew-tiful day!", True),
        ("Can I see the menu?", WHOLE_MENU, "We have black, oolong and herbal teas.", False),
        ("What is on the menu?", WHOLE_MENU, "We have several teas.", False),
        ("A mocha, please.", NO_ITEM, "Sorry, we do not have many. Something else?", True),
        ("A mocha, please.", NO_ITEM, "No mochas, but we have many other drinks.", False),
        ("A mocha, please.", NO_ITEM, "Sorry. Would you like a macchiato?", False),
        ("A latte, please.", MENU, "There are several. What about a Latte?", True),
        ("A capuccino or latte, please.", MENU, "No cappuccino, but lattes.", True),
    ],
)
def test_a_reply_that_tells_of_an_unknown_menu_is_marked(tmp_path, text, call, reply, is_known):
    record = order(utterance("user", text, call), utterance("assistant", reply))
    *_, episode = read(tmp_path, record)
    assert episode.turns[-1] == AssistantTurn(reply, grounded=is_known)


OTHER_ITEM = (*NO_ITEM[:2], {"menu_items": [{"menu_item_id": "mac-3", "name": "Macchiato"}]})


@pytest.mark.parametrize(
    "text, call, marks",
    [
        ("I would like a mocha.", NO_ITEM, ("stopped",)),
        ("A nice mocha, that's what I'll have.", OTHER_ITEM, ("stopped",)),
        # Also where it finds the item: that no call orders it is as little said before.
        ("I would like a latte.", MENU, ("stopped",)),
        ("Do you have mochas?", NO_ITEM, ()),
        ("Is there a mocha?", OTHER_ITEM, ()),
        ("Which mochas are there?", OTHER_ITEM, ()),
        ("Can I see the menu?", WHOLE_MENU, ()),
    ],
)
def test_an_order_that_a_search_stops_is_marked(tmp_path, text, call, marks):
    record = order(utterance("user", text, call), utterance("assistant", "Anything else?"))
    *_, episode = read(tmp_path, record)
    assert episode.marks == marks


def test_an_order_that_goes_on_after_a_search_in_vain_is_not_marked(tmp_path):
    record = order(
        utterance("user", "A mocha, please.", NO_ITEM),
        utterance("assistant", "Sorry."),
        utterance("user", "A caramel latte then.", MENU, ADDONS, ADD),
    )
    (episode,) = read(tmp_path, record)
    assert episode.marks == ()


def test_a_name_is_no_identifier(tmp_path):
    named = ("get_menu_items", {"query": "Latte"}, {"menu_items": [{"menu_item_id": "latte"}]})
    add = (ADD[0], {"menu_item_id": "latte"}, ADD[2])
    (record,) = read(tmp_path, order(utterance("user", "A latte.", named, add)))
    assert record == Reject("dlg-1", "unknown_identifier", "latte")


@pytest.mark.parametrize(
    "call, reason",
    [
        (("get_menu_items", "{", {}), "malformed_call"),
        (("get_menu_items", '{"query": NaN}', {}), "malformed_call"),
        (("get_menu_items", None, {}), "malformed_call"),
        (("get_menu_items", {"query": "x"}, None), "malformed_call"),
        (("get_menu_items", '{"query": "x", "query": "y"}', {}), "malformed_call"),
        (("get_menu_items", "[1]", {}), "malformed_call"),
        (("get_menu_items", {"query": "x"}, {"name": "var_drink"}), "unfilled_template"),
        (("get_menu_items", {}, {}), "missing_required_argument"),
        (("get_menu_items", {"query": 1}, {}), "argument_does_not_fit"),
        (("order_pizza", {}, {}), "unknown_function"),
    ],
)
def test_a_first_call_that_is_wrong_rejects_the_conversation(tmp_path, call, reason):
    (record,) = read(tmp_path, order(utterance("user", "x", call)))
    assert isinstance(record, Reject) and record.reason == reason


def test_bad_records_are_rejected_one_by_one(tmp_path):
    bad = [7, {}, {"conversation_id": 1, "utterances": []}, order(), order({"speaker": "user"})]
    *rejects, episode = read(tmp_path, *bad, order(utterance("user", "A latte.", MENU)))
    assert len(rejects) == 5 and isinstance(episode, Episode)
    assert {reject.reason for reject in rejects} <= {"malformed", "no_user_turn"}
    assert rejects[0].record_id == "data_00.json:1"


def test_every_conversation_is_in_one_split(tmp_path):
    records = [
        order(utterance("user", f"Latte {n}", MENU), record_id=f"dlg-{n}") for n in range(40)
    ]
    config = Taskmaster4Config(validation_share=0.5)
    by_split = [
        {e.episode_id for e in read(tmp_path, *records, split=split, config=config)}
        for split in ("train", "validation")
    ]
    assert by_split[0].isdisjoint(by_split[1])
    assert len(by_split[0] | by_split[1]) == 40 and min(map(len, by_split)) > 8


@needs_public_data
def test_real_conversations():
    records = list(taskmaster4.episodes(DATA_DIR / "Taskmaster4", "validation"))
    episodes = [record for record in records if isinstance(record, Episode)]
    rejects = [record for record in records if isinstance(record, Reject)]
    assert len(episodes) > 300 and len(rejects) < 0.15 * (len(rejects) + len(episodes))
    outputs = {spec.name: spec for spec in FUNCTIONS}
    nested = 0
    for episode in episodes:
        assert problem(episode) is None
        assert Episode.from_json(episode.to_json()) == episode
        for turn in episode.turns:
            if isinstance(turn, CallTurn):
                nested += turn.calls.is_nested
                for call, result in zip(turn.calls, turn.results, strict=True):
                    assert outputs[call.name].check_output(result) == []
    assert nested > 200
