"""Which of SLURP's utterances have labels to rely on: a crowd made them, and left slots out."""

from __future__ import annotations

import collections
import re
from collections.abc import Mapping, Sequence

from tasks.sources.records import Reject
from tasks.sources.slurp_functions import FUNCTIONS, SMALL_TALK
from tasks.sources.slurp_utterances import Utterance
from tasks.sources.wording import words_in

# What is marked at least so often, and mostly, is expected to be marked.
_OFTEN = 3
_MOSTLY = 2
# In the place of an intent: any.
_ANY = ""
# Ends a word of four letters or more.
_PLURAL = re.compile(r"(?<=[a-z]{2}[a-rt-z])s(?= |$)")
# A word so rare, outside the slots of an intent's texts and in all texts, is one to mark.
_RARE_OUTSIDE = 1
_RARE = 10
# Intents without a slot for what they are mostly about: a question, a message or an item.
_OPEN = frozenset(
    {
        "email_sendemail",
        "lists_createoradd",
        "lists_remove",
        "qa_factoid",
        "qa_maths",
        "social_post",
    }
)
# What a value may begin with that does not tell which slot it fills.
_ARTICLE = re.compile(r"^(?:an?|my|the) ")
# A text that breaks off: "send an email to". After a question word or I, a preposition may be last.
_BREAKS_OFF = re.compile(
    r"(?:.*\b)?(?:an?|and|my|or|the)"
    r"|(?!.*\b(?:what|when|where|which|who|how|i)\b).*\b(?:about|at|for|in|of|to)"
    r"|(?:how|what|where|who)\b(?!.* (?:he|it|she|that|there|they|this) \w+$).* (?:are|is)"
)
# What a request has to say.
_SAID_TOO = {"calendar_set": "event_name"}
# A request to look into the calendar has a question's word or one to look up; "meeting reminders
# from three to five" may as well ask for an event.
_LOOKS_UP = re.compile(
    r"\b(?:am|any|anything|are|check|did|do|does|find|give|ha[sv]e?|how|is|list|look|open|read|see|"
    r"show|tell|what|when|where|which|who|will)\b"
)


class Labels:
    """What the labels of all utterances say about those of each.

    Args:
        utterances: All of them, of every split.
    """

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self._usually_marked = _usually_marked(utterances)
        self._slots = _slots_of_values(utterances)
        self._telling = _telling(utterances)

    def lacks_slot(self, utterance: Utterance) -> bool:
        """Whether a text probably says the value of a slot that is not marked.

        It has a rare word outside its slots, or puts nothing in particular into the calendar.
        """
        marked = {slot for slot, _ in utterance.slots}
        if _SAID_TOO.get(utterance.intent) not in {None, *marked}:
            return True
        if marked and utterance.intent in _OPEN:
            return False
        return utterance.text.casefold() in self._telling

    def is_doubtful(self, utterance: Utterance) -> bool:
        """Whether a text may ask for two calls, of two events, or for another than it is said to.

        It names two events, or is to look into the calendar and does not say so.
        """
        if sum(slot == "event_name" for slot, _ in utterance.slots) > 1:
            return True
        looks_up = _LOOKS_UP.search(utterance.text.casefold())
        return utterance.intent == "calendar_query" and not looks_up

    def unfit(self, utterance: Utterance) -> Reject | None:
        """Returns why an utterance is not used, or None."""
        text, key = utterance.text, utterance.record_id
        if utterance.intent in SMALL_TALK:
            return Reject(key, "small_talk_with_slots", utterance.rest) if utterance.slots else None
        if utterance.intent not in FUNCTIONS:
            return Reject(key, "unknown_function", utterance.intent)
        words = len(text.removeprefix(utterance.address).split())
        if words < 2:
            return Reject(key, "one_word", text)
        if words < 3 and not utterance.slots:
            return Reject(key, "two_words", text)
        for value, slot in self._usually_marked.get(utterance.intent, {}).items():
            if slot in FUNCTIONS[utterance.intent].properties and _has(utterance.rest, value):
                return Reject(key, "slot_left_out", f"{slot} {value!r}: {text}")
        if _BREAKS_OFF.fullmatch(utterance.shape.casefold().strip()):
            return Reject(key, "unfinished", text)
        for slot, value in utterance.slots:
            if usual := self._usual_slot(utterance.intent, slot, value):
                return Reject(key, "unusual_slot", f"{slot} {value!r}, not {usual}: {text}")
        return None

    def _usual_slot(self, intent: str, slot: str, value: str) -> str:
        """Returns a function's other slot that a value fills often, and mostly; empty for none."""
        counted = self._slots[_plain(value)]
        for other, count in counted.items():
            enough = count >= max(_OFTEN, _MOSTLY * counted[slot])
            if other != slot and enough and other in FUNCTIONS[intent].properties:
                return other
        return ""


def _usually_marked(utterances: Sequence[Utterance]) -> dict[str, dict[str, str]]:
    """Returns by intent the words that are mostly marked as a slot, there or anywhere."""
    marked: dict[str, collections.Counter[tuple[str, str]]] = {}
    rests: dict[str, list[str]] = {}
    for utterance in utterances:
        values = [(value.casefold(), slot) for slot, value in utterance.slots]
        for group in (utterance.intent, _ANY):
            marked.setdefault(group, collections.Counter()).update(values)
            rests.setdefault(group, []).append(f" {utterance.rest.casefold()} ")
    usual: dict[str, dict[str, str]] = {}
    for group, counted in marked.items():
        unmarked = "\n".join(rests[group])
        usual[group] = {
            value: slot
            for (value, slot), count in counted.items()
            if count >= _OFTEN and count > _MOSTLY * unmarked.count(f" {value} ")
        }
    return {intent: usual[_ANY] | own for intent, own in usual.items()}


def _slots_of_values(
    utterances: Sequence[Utterance],
) -> Mapping[str, collections.Counter[str]]:
    """Returns by value how many different texts have it in each slot."""
    slots: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for utterance in {u.text.casefold(): u for u in utterances}.values():
        for slot, value in utterance.slots:
            slots[_plain(value)][slot] += 1
    return slots


def _plain(value: str) -> str:
    return _ARTICLE.sub("", value.casefold(), count=1)


def _telling(utterances: Sequence[Utterance]) -> set[str]:
    """Returns the texts with a rare word outside their slots, which probably is one's value."""
    texts = {u.text.casefold(): u for u in reversed(utterances)}  # of repeated ones, the first
    overall: collections.Counter[str] = collections.Counter()
    outside: dict[str, collections.Counter[str]] = {}
    for utterance in texts.values():
        overall.update(set(words_in(utterance.text)))
        counted = outside.setdefault(utterance.intent, collections.Counter())
        counted.update(set(words_in(utterance.rest)))
    return {
        text
        for text, utterance in texts.items()
        if any(
            outside[utterance.intent][word] <= _RARE_OUTSIDE and overall[word] <= _RARE
            for word in words_in(utterance.shape)
        )
    }


def _has(text: str, words: str) -> bool:
    """Whether a text has words in a row, in the singular or in the plural."""
    return f" {_singular(words)} " in f" {_singular(text.casefold())} "


def _singular(text: str) -> str:
    return _PLURAL.sub("", text)
