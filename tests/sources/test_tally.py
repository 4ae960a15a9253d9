import json

from tasks.sources.episode import Episode, UserTurn
from tasks.sources.records import Coercion, Reject
from tasks.sources.tally import COUNTS_FILE, REJECTS_FILE, read_counts, tallied


def test_everything_yielded_is_counted_and_rejects_are_listed(tmp_path):
    episode = Episode("e", "test", (), (UserTurn("hi"),))
    train = [
        Reject("a", "broken", "é"),
        episode,
        Coercion("e", "rule", 2),
        Coercion("e", "rule"),
        Reject("b", "broken"),
    ]
    assert list(tallied(train, "train", tmp_path)) == [episode]
    assert list(tallied([Reject("c", "odd")], "validation", tmp_path)) == []
    assert read_counts(tmp_path) == {
        "train": {"episodes": 1, "rejects": {"broken": 2}, "coercions": {"rule": 3}},
        "validation": {"episodes": 0, "rejects": {"odd": 1}, "coercions": {}},
    }
    assert json.loads((tmp_path / COUNTS_FILE).read_text()) == read_counts(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / REJECTS_FILE).read_text().splitlines()]
    assert lines == [
        {"split": "train", "record": "a", "reason": "broken", "detail": "é"},
        {"split": "train", "record": "b", "reason": "broken", "detail": ""},
        {"split": "validation", "record": "c", "reason": "odd", "detail": ""},
    ]
