"""`granite-fc vocabulary` as users call it."""

from __future__ import annotations

from pathlib import Path

import gin
import pytest

from granite_fc.cli.main import main
from granite_fc.vocabularies import load_vocabulary
from tests.data.cache_fixtures import write_lines
from tests.vocabularies.conftest import TEXTS


@pytest.fixture(autouse=True)
def clean_gin():
    yield
    gin.clear_config()


def test_from_text_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("\n".join(TEXTS))
    output = tmp_path / "mine.model"
    arguments = ["vocabulary", "--size=420", f"--output={output}"]
    assert main([*arguments, f"--text={tmp_path / 'text.txt'}"]) == 0
    vocabulary = load_vocabulary(str(output))
    assert (vocabulary.size, vocabulary.name) == (420, "mine")
    assert "characters a token" in capsys.readouterr().err


def test_from_a_mixture(tmp_path: Path) -> None:
    write_lines(tmp_path / "lines")
    gin_file = tmp_path / "run.gin"
    gin_file.write_text(
        f"import tests.data.cache_tasks\nlines.folder = {str(tmp_path / 'lines')!r}\n"
    )
    outputs = [tmp_path / f"{number}.model" for number in range(2)]
    for output in outputs:
        arguments = ["vocabulary", "--size=350", f"--output={output}", f"--gin_file={gin_file}"]
        assert main([*arguments, "--mixture=lines_upper"]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    vocabulary = load_vocabulary(str(outputs[0]))
    assert len(vocabulary.encode("weather")) < len(vocabulary.encode("rehtaew"))
    assert main([*arguments, "--mixture=lines_by_seqio"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size=420", "--output=nowhere/mine.model", "--text=README.md"],
        ["--size=420", "--output=mine.model", "--text=no_such_file"],
        ["--size=420", "--output=mine.model"],
    ],
)
def test_mistakes_end_with_status_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["vocabulary", *arguments]) == 2
    assert not (tmp_path / "mine.model").exists()
