"""`granite-fc evaluate` and `generate` on the checkpoint of a run, and on answers in files."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import pytest

from granite_fc.cli.main import main
from tasks.rates import DEFAULT_SUBTASK_RATES
from tests.end_to_end.conftest import Quickstart

EXAMPLES = 3


@pytest.fixture(autouse=True)
def configuration(quickstart: Quickstart, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(quickstart.cwd)
    yield
    gin.clear_config()


def checkpoint(quickstart: Quickstart) -> str:
    return f"--checkpoint={quickstart.model_dir}"


def of_run(quickstart: Quickstart) -> list[str]:
    """The run's configuration, for answers that are in a file."""
    model_dir = quickstart.model_dir
    return [f"--gin_file={model_dir}/config.gin", f"--gin.MODEL_DIR={model_dir}"]


@pytest.fixture(scope="module")
def evaluated(
    quickstart: Quickstart, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, Any]], Path]:
    """Every answer of the run's model to a few requests of each sub-task, and the page."""
    folder = tmp_path_factory.mktemp("evaluated")
    status = main(
        [
            "evaluate",
            f"--checkpoint={quickstart.model_dir}",
            "--mixture=granite_fc",
            f"--examples={EXAMPLES}",
            f"--output={folder}/answers.jsonl",
            f"--html={folder}/page.html",
        ]
    )
    gin.clear_config()
    assert status == 0
    lines = (folder / "answers.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines], folder / "page.html"


def written(folder: Path, answers: list[dict[str, Any]]) -> Path:
    path = folder / "predictions.jsonl"
    path.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    return path


def results(quickstart: Quickstart, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    arguments = ["evaluate", "--mixture=granite_fc", f"--examples={EXAMPLES}", "--json"]
    assert main([*arguments, *of_run(quickstart), *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_checkpoint_is_measured_on_every_subtask(
    evaluated: tuple[list[dict[str, Any]], Path],
) -> None:
    answers, page = evaluated
    assert len({answer["group"] for answer in answers}) == 7
    assert {answer["id"].partition("/")[0] for answer in answers} == {
        answer["task"] for answer in answers
    }
    for answer in answers:
        assert answer["exact"] == (not answer["wrong"])
    text = page.read_text()
    assert "nested calls" in text and "Exact match" in text and "needless call" in text


def test_what_was_written_down_measures_the_same_again(
    quickstart: Quickstart,
    evaluated: tuple[list[dict[str, Any]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers, _ = evaluated
    path = written(tmp_path, answers)
    (model,) = results(quickstart, capsys, f"--predictions={path}")["models"]
    assert model["name"] == path.name
    assert model["all"]["answers"] == len(answers)
    assert model["all"]["exact"] == sum(answer["exact"] for answer in answers)
    for group in model["groups"]:
        of_group = [answer for answer in answers if answer["group"] == group["name"]]
        for kind, number in group["wrong"].items():
            kinds = [{part["kind"] for part in answer["wrong"]} for answer in of_group]
            assert number == sum(kind in found for found in kinds)


def test_right_answers_score_full_marks_and_beat_the_model(
    quickstart: Quickstart,
    evaluated: tuple[list[dict[str, Any]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers, _ = evaluated
    gold = [{"id": answer["id"], "prediction": answer["targets"]} for answer in answers]
    model, right = written(tmp_path, answers), tmp_path / "gold.jsonl"
    right.write_text("".join(json.dumps(answer) + "\n" for answer in reversed(gold)))
    found = results(
        quickstart, capsys, f"--predictions=model={model}", f"--predictions=gold={right}"
    )
    for group in found["models"][1]["groups"]:
        assert group["exact"] == group["answers"] and not group["wrong"], group["name"]
        assert group["metrics"]["exact_match"]["value"] == 1
    (comparison,) = found["comparisons"]
    assert (comparison["first"], comparison["second"]) == ("model", "gold")
    difference = comparison["groups"]["all"]["exact_match"]
    share = sum(answer["exact"] for answer in answers) / len(answers)
    assert difference["difference"] == pytest.approx(1 - share)
    assert difference["mcnemar"]["only_first"] == 0
    for name in found["models"][0]["all"]["metrics"]:
        assert found["definitions"][name]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda answers: answers[1:], "1 ids missing"),
        (lambda answers: [*answers, {"id": "x/1", "prediction": ""}], "1 ids that are none"),
        (lambda answers: [*answers, answers[0]], "1 ids again"),
        (lambda answers: [{"number": 1}], "line 1"),
    ],
    ids=["missing", "extra", "twice", "fields"],
)
def test_half_an_answer_sheet_is_no_result(
    quickstart: Quickstart,
    evaluated: tuple[list[dict[str, Any]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Any,
    told: str,
) -> None:
    path = written(tmp_path, change(evaluated[0]))
    arguments = ["evaluate", "--mixture=granite_fc", f"--examples={EXAMPLES}"]
    assert main([*arguments, *of_run(quickstart), f"--predictions={path}"]) == 2
    captured = capsys.readouterr()
    assert told in captured.err and not captured.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--gin.DecoderConfig.d_model=64"], "DecoderConfig.d_model: found '64'"),
        (["--gin.VOCABULARY=granite_fc_16k"], "granite_fc_2k (2048 ids"),
        (["--split=unseen_function"], "--split"),
        (["--suite=bfcl"], "--suite"),
        (["--examples=-1"], "--examples"),
        (["--html=no/such/folder/page.html"], "--html"),
        (["--html=."], "--html"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_what_does_not_fit_is_told_before_anything_is_answered(
    quickstart: Quickstart, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["evaluate", checkpoint(quickstart), "--mixture=granite_fc", *words]) == 2
    captured = capsys.readouterr()
    assert told in captured.err and not captured.out


def test_runs_with_other_tasks_are_told_before_one_answers(
    quickstart: Quickstart, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(quickstart.model_dir, other)
    rates = DEFAULT_SUBTASK_RATES | {"response_generation": 0.0}
    with (other / "config.gin").open("a") as file:
        file.write(f"\nmixture_rates.subtasks = {rates}\n")
    models = [f"--checkpoint=one={quickstart.model_dir}", f"--checkpoint=two={other}"]
    command = ["evaluate", *models, "--mixture=granite_fc", f"--examples={EXAMPLES}"]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "two: found" in error and "the same" in error and "with --gin from which" in error
    assert "18 items" in error and "21 items" in error and " requests\n" not in error


def test_the_answers_of_a_run_are_measured_where_they_lie(
    quickstart: Quickstart, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder,) = (quickstart.model_dir / "predictions").iterdir()
    assert main(["evaluate", f"--predictions={folder}", "--mixture=granite_fc", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    lines = [json.loads(line) for path in folder.iterdir() for line in path.open()]
    (model,) = record["models"]
    assert (model["all"]["answers"], model["all"]["exact"]) == (
        len(lines),
        sum(line["exact"] for line in lines),
    )
    assert any("those that the file answers" in remark for remark in record["remarks"])


def test_answers_of_nobody_knows_which_run_are_refused(
    evaluated: tuple[list[dict[str, Any]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = written(tmp_path, evaluated[0])
    assert main(["evaluate", f"--predictions={path}", "--mixture=granite_fc"]) == 2
    assert "--gin_file=MODEL_DIR/config.gin" in capsys.readouterr().err


def test_no_checkpoint_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["evaluate", "--mixture=granite_fc"], ["generate", "--prompt=a"]):
        assert main([*command, f"--checkpoint={tmp_path}"]) == 2
        assert "--checkpoint" in capsys.readouterr().err


def test_one_request_and_a_file_of_them_have_the_same_answer(
    quickstart: Quickstart, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
    question = "What is the weather in Rome?"
    functions = tmp_path / "functions.json"
    functions.write_text(json.dumps([tool]))
    common = ["generate", checkpoint(quickstart), "--max_new_tokens=40"]
    assert main([*common, f"--request={question}", f"--functions={functions}"]) == 0
    said = capsys.readouterr().out.removesuffix("\n")
    lines = [
        {"id": "a", "messages": [{"role": "user", "content": question}], "tools": [tool]},
        {"prompt": "anything\n"},
        {"id": "long", "prompt": "word " * 5000},
    ]
    requests, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    requests.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main([*common, f"--input={requests}", f"--output={answers}"]) == 0
    first, second, third = map(json.loads, answers.read_text().splitlines())
    assert (first["id"], second["id"]) == ("a", "2")
    assert first["prediction"] == said
    assert "calls" in first and "calls" not in second
    assert third == {"id": "long", "prediction": "", "failure": "prompt_too_long"}


def test_drawn_answers_differ_from_request_to_request_and_not_from_call_to_call(
    quickstart: Quickstart, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_text('{"prompt": "a\\n"}\n' * 4)
    words = ["generate", checkpoint(quickstart), f"--input={requests}", "--temperature=2"]
    assert main([*words, "--max_new_tokens=12", "--samples=2"]) == 0
    first = capsys.readouterr().out
    assert main([*words, "--max_new_tokens=12", "--samples=2"]) == 0
    assert capsys.readouterr().out == first
    assert len({json.loads(line)["prediction"] for line in first.splitlines()}) == 8


def test_a_conversation_goes_on_until_the_input_ends(
    quickstart: Quickstart, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Is the door locked?\nThen lock it.\n"))
    words = ["generate", checkpoint(quickstart), "--chat", "--tools=lock_door"]
    assert main([*words, "--max_new_tokens=8"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4 and "lock_door" in captured.err


def test_constrained_answers_call_what_is_on_offer(
    quickstart: Quickstart, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["generate", checkpoint(quickstart), "--request=Lock the front door.", "--constrained"]
    assert main([*words, "--tools=lock_door,read_thermostat", "--max_new_tokens=400"]) == 0
    from granite_fc.conventions import conventions

    read = conventions().read_calls(capsys.readouterr().out.strip())
    assert read.error is None
    assert {call.name for call in read.calls} <= {"lock_door", "read_thermostat"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "what to answer"),
        (["--prompt=a", "--chat"], "--prompt, --chat"),
        (["--request=a", "--tools=no_such_tool"], "--tools"),
        (["--request=a", "--functions=absent.json"], "--functions"),
        (["--input=absent.jsonl"], "--input"),
        (["--prompt=a", "--constrained"], "--constrained"),
        (["--prompt=a", "--temperature=-1"], "temperature"),
        (["--prompt=" + "word " * 5000], "positions"),
        (["--prompt=a", "--seed=-1"], "--seed"),
        (["--input=absent.jsonl", "--output=."], "--output"),
    ],
)
def test_mistakes_of_generate_are_told(
    quickstart: Quickstart, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["generate", checkpoint(quickstart), *words]) == 2
    assert told in capsys.readouterr().err
