"""What users say, without what a source tells the reader."""

from __future__ import annotations

from tasks.sources.episode import AssistantTurn, Episode, UserTurn
from tasks.sources.user_texts import user_texts


def test_the_day_that_a_source_tells_is_not_said():
    turns = (
        UserTurn("(It is Friday, 2019-03-01.) A table for two"),
        AssistantTurn("(It is full.)"),
        UserTurn("Then for tomorrow (It is 2034-01-01 08:00:00.)"),
        UserTurn("It is fine (really)."),
        UserTurn("Hurry (It is urgent.) and go on"),
    )
    assert user_texts(Episode("e", "s", (), turns)) == [
        "A table for two",
        "Then for tomorrow",
        "It is fine (really).",
        "Hurry (It is urgent.) and go on",
    ]
