"""Train and validation share functions, and no request, phrase or value."""

from __future__ import annotations

import re
from collections import defaultdict

from tasks.sources.episode import UserTurn
from tasks.sources.simulator.frames import TRAIN, VALIDATION
from tasks.sources.simulator.links import ALL
from tasks.sources.simulator.types import TYPES

# Words that carry no meaning of their own; plurals and endings are cut off by comparing stems.
EMPTY = {
    "the",
    "and",
    "for",
    "with",
    "from",
    "that",
    "have",
    "what",
    "which",
    "does",
    "into",
    "over",
}


def requests(drafts):
    return {
        turn.text for draft in drafts for turn in draft.episode.turns if isinstance(turn, UserTurn)
    }


def free_values(drafts):
    values = defaultdict(set)
    for draft in drafts:
        for semantic_type, value in draft.literals:
            if not semantic_type.closed:
                for item in value if isinstance(value, list) else [value]:
                    name = (semantic_type.item or semantic_type).name
                    values[name].add(item)
    return values


def stems(text: str, arguments=None) -> set[str]:
    for name, semantic_type in (arguments or {}).items():
        text = text.replace(f"{{{name}}}", semantic_type.text)
    found = re.findall(r"[a-z]{3,}", re.sub(r"\{[\w.]+\}", " ", text.lower()))
    return {word[:4] for word in found if word not in EMPTY}


def test_no_request_of_validation_is_in_train(train, validation):
    assert requests(train).isdisjoint(requests(validation))


def test_no_template_of_validation_is_in_train(train, validation):
    used = [{t for draft in drafts for t in draft.templates} for drafts in (train, validation)]
    assert used[0].isdisjoint(used[1])
    assert len(used[0]) > 350
    assert len(used[1]) > 200


def test_no_template_is_declared_for_both_splits():
    for function in ALL:
        for phrases in function.all_phrases().values():
            seen = {template.text for template in phrases.train}
            assert seen.isdisjoint(template.text for template in phrases.validation)
    for name in vars(TRAIN):
        assert set(getattr(TRAIN, name)).isdisjoint(getattr(VALIDATION, name)), name


def test_no_free_value_of_validation_is_in_train(train, validation):
    seen, unseen = free_values(train), free_values(validation)
    assert len(seen) > 25
    for name in seen.keys() & unseen.keys():
        assert seen[name].isdisjoint(unseen[name]), name


def test_only_small_sets_are_shared():
    for semantic_type in TYPES.values():
        if semantic_type.closed:
            enum = semantic_type.schema.get("enum", [])
            small = len(enum) <= 8 or semantic_type.schema["type"] in ("integer", "boolean")
            assert small, semantic_type.name


def test_pools_are_large(train):
    values = free_values(train)
    for name in ("person", "date", "account", "order", "product", "song", "usd", "number"):
        assert len(values[name]) > 80, (name, len(values[name]))


def test_every_function_has_six_ways_to_be_asked_for():
    frames = {"noun": TRAIN.nouns, "command": TRAIN.commands, "question": TRAIN.questions}
    for function in ALL:
        forms = function.all_phrases().items()
        ways = sum(len(p.train) * len(frames[form.split(":")[0]]) for form, p in forms)
        assert ways >= 6
        for form, phrases in forms:
            enough = 1 if form.startswith("question") else 2
            assert len(phrases.train) >= enough and len(phrases.validation) >= enough


def test_unseen_phrasings_share_key_words_with_seen_ones():
    """A new phrasing has a word of the description or of the phrasings of train."""
    for function in ALL:
        known = stems(function.spec.description) | stems(function.name.replace("_", " "))
        for form, phrases in function.all_phrases().items():
            seen = set().union(*(stems(t.text, function.arguments) for t in phrases.train))
            for template in phrases.validation:
                shared = stems(template.text, function.arguments) & (known | seen)
                assert shared, (function.name, form, template.text)
