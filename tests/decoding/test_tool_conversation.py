"""Calls that a model writes in a conversation are executed on the simulator, and go on in it."""

from __future__ import annotations

from typing import Any

import tasks  # noqa: F401  # declares the conventions
from granite_fc.calls.call import Call
from granite_fc.calls.conversation import AssistantTurn, CallTurn, UserTurn
from granite_fc.calls.reference import Reference
from granite_fc.conventions import conventions
from granite_fc.decoding.tool_conversation import Executed, Failed, ToolConversation, Wrote

FIND = Call("find_account", {"owner": "Ana"}, "$var_1")
BALANCE = Call("get_balance", {"account": Reference("$var_1", ("account",))})
OFFERED = ("find_account", "get_balance", "block_card")


class Script:
    """Writes what it is told to, and keeps what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.prompts: list[str] = []

    def __call__(self, prompt: str, *_: Any) -> str:
        self.prompts.append(prompt)
        return self.answers.pop(0)


def written(*calls: Call) -> str:
    return conventions().print_calls(calls, like="")


def conversation(script: Script) -> ToolConversation:
    return ToolConversation(script, conventions(), conventions().tools(seed=0), OFFERED)


def test_nested_calls_are_executed_and_shown_to_the_model() -> None:
    script = Script(written(FIND, BALANCE), "You have some money.")
    talk = conversation(script)
    asked, found, balance, reply = talk.say("How much does Ana have?")
    functions = conventions().tools(seed=0).functions
    account = functions["find_account"](owner="Ana")
    assert isinstance(found, Executed) and found.result == account
    assert isinstance(balance, Executed)
    assert balance.result == functions["get_balance"](**account)
    assert (asked, reply) == (
        Wrote("calls", written(FIND, BALANCE)),
        Wrote("reply", "You have some money."),
    )
    for_calls, for_reply = script.prompts
    assert "How much does Ana have?" in for_calls
    assert all(name in for_calls for name in OFFERED) and "set_lights" not in for_calls
    assert account["account"] in for_reply and account["account"] not in for_calls
    assert talk.turns[0] == UserTurn("How much does Ana have?")
    assert isinstance(talk.turns[1], CallTurn) and talk.turns[1].results[0] == account
    assert talk.turns[2] == AssistantTurn("You have some money.")


def test_later_turns_refer_to_calls_by_their_number_in_the_conversation() -> None:
    # The first turn labels one call of two; prompts label both, and so may the answers after it.
    later = Call("get_balance", {"account": Reference("$var_1", ("account",))})
    script = Script(written(FIND, BALANCE), "So much.", written(later), "As much.")
    talk = conversation(script)
    *_, first, _ = talk.say("How much does Ana have?")
    _, second, _ = talk.say("And now?")
    assert '"label": "$var_2"' in script.prompts[2]
    assert isinstance(first, Executed) and isinstance(second, Executed)
    assert second.result == first.result
    assert second.call.label == "$var_3"


def test_functions_keep_their_state() -> None:
    pay = Call("transfer_money", {"amount": 1, "source": "A1", "target": "B2"})
    script = Script(written(pay), "Done.", written(pay), "Done again.")
    talk = ToolConversation(script, conventions(), conventions().tools(seed=0))
    _, first, _ = talk.say("Pay.")
    _, second, _ = talk.say("Again.")
    assert isinstance(first, Executed) and isinstance(second, Executed)
    assert second.result["balance"] == first.result["balance"] - 1


def test_what_cannot_be_called_is_told_and_the_conversation_goes_on() -> None:
    answers = {
        "I do not know": "no <function_call>",
        written(Call("set_lights", {"room": "hall", "on": True})): "no such function",
        written(Call("find_account", {"name": "Ana"})): "find_account",
        written(Call("get_balance", {"account": Reference("$var_7", ())})): "$var_7",
    }
    talk = conversation(Script(*(text for answer in answers for text in (answer, "Sorry."))))
    for reason in answers.values():
        _, failed, reply = talk.say("Do it.")
        assert isinstance(failed, Failed) and reason in failed.reason
        assert reply == Wrote("reply", "Sorry.")
    assert not any(isinstance(turn, CallTurn) for turn in talk.turns)


def test_what_was_done_before_a_failure_stays_done() -> None:
    wrong = Call("get_balance", {"number": "A1"})
    script = Script(written(FIND, wrong), "Something went wrong.")
    _, found, failed, _ = conversation(script).say("How much does Ana have?")
    assert isinstance(found, Executed) and isinstance(failed, Failed)
    assert found.result["account"] in script.prompts[1]


def test_nothing_is_executed_where_nothing_is_called() -> None:
    talk = conversation(Script(written(), "Hello."))
    assert [type(event) for event in talk.say("Hi")] == [Wrote, Wrote]
