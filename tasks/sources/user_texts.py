"""What the users of an episode say, for comparing episodes by it."""

from __future__ import annotations

from tasks.sources.episode import Episode, UserTurn
from tasks.sources.told_time import without_told_time


def user_texts(episode: Episode) -> list[str]:
    """Returns the texts of the user turns, without the day that a source has told."""
    return [without_told_time(turn.text) for turn in episode.turns if isinstance(turn, UserTurn)]
