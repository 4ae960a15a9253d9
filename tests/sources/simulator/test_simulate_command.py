from __future__ import annotations

import pytest

from granite_fc.cli.main import main
from tasks.sources.episode import Episode
from tasks.sources.simulator import generate_episodes


def test_prints_episodes_as_json_lines(capsys):
    assert main(["simulate", "--episodes=5", "--seed=3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    expected = list(generate_episodes(3, "train", 0, 5))
    assert [Episode.from_json(line) for line in lines] == expected


def test_writes_a_file(tmp_path):
    file = tmp_path / "episodes.jsonl"
    options = ["--split=validation", "--start=2", f"--output={file}"]
    assert main(["simulate", "--episodes=4", "--seed=1", *options]) == 0
    lines = file.read_text(encoding="utf-8").splitlines()
    expected = list(generate_episodes(1, "validation", 2, 4))
    assert [Episode.from_json(line) for line in lines] == expected


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("--episodes=-1", "--episodes"),
        ("--seed=-1", "--seed"),
        ("--start=-3", "--start"),
        ("--output=no/such/folder/file", "--output"),
        ("--simulator=no_such_module", "--simulator"),
        ("--simulator=json", "--simulator"),
    ],
)
def test_wrong_options_end_with_status_2(option, named, capsys):
    assert main(["simulate", "--episodes=2", option]) == 2
    assert named in capsys.readouterr().err
