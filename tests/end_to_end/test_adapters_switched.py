"""`evaluate` and `generate` with adapters of several runs beside one frozen base."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin
import jax
import numpy as np
import pytest

from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.checkpoints.hf.export_model import stored_config
from granite_fc.checkpoints.initial import find_checkpoint, read_data, restore_params
from granite_fc.cli.main import main
from granite_fc.models.adapters.attach import split
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.adapters.fingerprint import fingerprint
from granite_fc.models.decoder import abstract_params
from granite_fc.training.switched_adapters import SwitchedAdapters
from granite_fc.training.trained_model import configure, load
from tests.end_to_end.conftest import Quickstart

CONFIG = """
include "{model_dir}/config.gin"
import granite_fc.models.adapters.config
DecoderConfig.adapter = @AdapterConfig()
AdapterConfig.rank = {rank}
AdapterConfig.alpha = 8
INITIAL_CHECKPOINT_PATH = "{model_dir}"
CACHE_DIR = "{model_dir}/cache"
"""


@pytest.fixture(autouse=True)
def configuration(quickstart: Quickstart, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(quickstart.cwd)
    yield
    gin.clear_config()


@pytest.fixture(scope="module")
def base(quickstart: Quickstart) -> int:
    """The fingerprint of the quickstart's model, which the adapters stand beside."""
    shapes = abstract_params(stored_config(read_data(quickstart.model_dir)))
    return int(jax.jit(fingerprint)(restore_params(quickstart.model_dir, shapes)))


def write_run(
    quickstart: Quickstart,
    folder: Path,
    base: int,
    *,
    seed: int = 0,
    rank: int = 2,
    ema_seed: int | None = None,
    **about: Any,
) -> Path:
    """Writes what a run leaves that has trained adapters beside the quickstart's model."""
    own = read_data(quickstart.model_dir)
    model = dataclasses.replace(stored_config(own), adapter=AdapterConfig(rank=rank, alpha=8))
    shapes, _ = split(abstract_params(model))

    def drawn(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        return jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), shapes)

    state = {"params": drawn(seed), "base": np.array(base, np.uint32)}
    if ema_seed is not None:
        state["ema"] = drawn(ema_seed)
        about = {"ema_decay": 0.9, "frozen": []} | about
    with Checkpoints(folder / "checkpoints") as checkpoints:
        checkpoints.save(1, state, own | {"step": 1, "model": dataclasses.asdict(model)} | about)
    (folder / "config.gin").write_text(CONFIG.format(model_dir=quickstart.model_dir, rank=rank))
    return folder


@pytest.fixture(scope="module")
def runs(
    quickstart: Quickstart, base: int, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Two runs with adapters beside one base."""
    folder = tmp_path_factory.mktemp("adapters")
    first, second = (
        write_run(quickstart, folder / str(seed), base, seed=seed) for seed in range(2)
    )
    return first, second


def evaluated(
    capsys: pytest.CaptureFixture[str], folder: Path, *words: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The answers by request, and what the report says of the model."""
    output = folder / "answers.jsonl"
    fixed = ["--mixture=granite_fc", "--examples=1", "--max_new_tokens=8", "--json"]
    assert main(["evaluate", *fixed, f"--output={output}", *words]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return {line["group"]: line["prediction"] for line in lines}, model["facts"]


def test_each_subtask_is_answered_by_the_adapters_that_are_named_for_it(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = runs
    alone, other = (evaluated(capsys, tmp_path, f"--checkpoint={run}")[0] for run in runs)
    assert len(alone) == 7
    assert all(alone[subtask] != other[subtask] for subtask in alone), "too alike to tell anything"
    words = [f"--checkpoint={first}", f"--adapter=nested_calls={second}"]
    found, facts = evaluated(capsys, tmp_path, *words)
    assert found == alone | {"nested_calls": other["nested_calls"]}
    assert facts["adapters of nested_calls"] == str(second / "checkpoints" / "1")
    assert facts["adapters of name_detection"] == "the checkpoint's own"


def test_generate_answers_each_request_with_the_adapters_of_its_subtask(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = runs
    requests = tmp_path / "requests.jsonl"
    prompt = {"prompt": "anything\n"}
    chat = {"messages": [{"role": "user", "content": "Lock the door."}], "tools": []}

    def status(lines: list[dict[str, Any]], *words: str) -> int:
        requests.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return main(["generate", f"--input={requests}", "--max_new_tokens=8", *words])

    def answers(lines: list[dict[str, Any]], *words: str) -> list[str]:
        assert status(lines, *words) == 0
        return [json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()]

    alone = answers([prompt, chat], f"--checkpoint={second}")
    words = [f"--checkpoint={first}", f"--adapter=umbrella={second}"]
    own, *switched = answers([prompt, chat, prompt | {"adapter": "umbrella"}], *words)
    assert switched == alone[::-1] and own != alone[0]
    others = [f"--adapter={second}", f"--adapter=nested_calls={first}"]
    assert status([prompt, chat], f"--checkpoint={first}", *others) == 0
    captured = capsys.readouterr()
    assert [json.loads(line)["prediction"] for line in captured.out.splitlines()] == alone
    assert "nothing is asked as nested_calls: its adapters are not used" in captured.err
    assert status([prompt, prompt | {"adapter": "nested_calls"}], *words) == 2
    assert "line 2: found \"the adapter 'nested_calls'" in capsys.readouterr().err


def test_in_a_conversation_calls_and_replies_have_adapters_of_their_own(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = runs

    def said(*words: str) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO("Lock the door.\n"))
        assert main(["generate", "--chat", "--max_new_tokens=8", *words]) == 0
        captured = capsys.readouterr()
        assert "adapters are not used" not in captured.err
        return captured.out

    words = [f"--checkpoint={first}", f"--adapter=umbrella={second}"]
    alone = said(f"--checkpoint={second}")
    assert said(*words) != alone, "replies too alike to tell anything"
    assert said(*words, f"--adapter=response_generation={second}") == alone


def test_a_suite_is_answered_by_the_adapters_of_all_calls(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = {"name": "lock", "parameters": {}, "output_parameters": {}}
    item = {"input": "Lock it.", "output": [{"name": "lock", "arguments": {}}], "tools": [tool]}
    (tmp_path / "nestful.jsonl").write_text(json.dumps(item))
    suite = ["evaluate", "--suite=nestful", f"--suite_dir={tmp_path / 'nestful.jsonl'}", "--json"]

    def answer(*words: str) -> tuple[str, dict[str, str]]:
        output = tmp_path / "answers.jsonl"
        assert main([*suite, f"--output={output}", "--max_new_tokens=8", *words]) == 0
        (model,) = json.loads(capsys.readouterr().out)["models"]
        return json.loads(output.read_text())["prediction"], model["facts"]

    first, second = runs
    alone, _ = answer(f"--checkpoint={second}")
    found, facts = answer(f"--checkpoint={first}", f"--adapter=umbrella={second}")
    assert found == alone
    assert facts["adapters of umbrella"] == str(second / "checkpoints" / "1")


def test_switched_adapters_are_the_average_where_their_run_kept_one(
    quickstart: Quickstart, base: int, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    averaged = write_run(quickstart, tmp_path / "averaged", base, seed=3, ema_seed=4)
    other = write_run(quickstart, tmp_path / "other", base, seed=4)
    for evaluate, expected in ((True, other), (False, averaged)):
        overrides = [("ema.evaluate", str(evaluate))] if not evaluate else []
        directory = configure(str(runs[0]), [], overrides)
        loaded = SwitchedAdapters.find([str(averaged)], directory).load(
            load(directory, overrides), overrides
        )
        (found,) = loaded.values()
        jax.tree.map(
            np.testing.assert_array_equal, found, restore_params(find_checkpoint(expected), found)
        )


def test_adapters_of_no_subtask_answer_all_others() -> None:
    adapters = SwitchedAdapters({None: Path("others"), "nested_calls": Path("nested")})
    asked = ("nested_calls", "name_detection", None)
    assert [adapters.of(subtask) for subtask in asked] == ["nested", "others", "others"]


def test_adapters_that_do_not_fit_are_told_before_anything_is_answered(
    quickstart: Quickstart,
    base: int,
    runs: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = runs
    wide = write_run(quickstart, tmp_path / "wide", base, rank=4)
    other = write_run(quickstart, tmp_path / "other", base ^ 1)
    words = {"name": "other", "digest": "1" * 64}
    foreign = write_run(quickstart, tmp_path / "foreign", base, vocabulary=words)
    one = [f"--checkpoint={first}"]
    # What is told has to be told without a device.
    monkeypatch.setattr(jax, "device_count", lambda: pytest.fail("devices were asked for"))
    monkeypatch.setattr(jax, "local_devices", lambda: pytest.fail("devices were asked for"))
    for arguments, told in (
        ([*one, f"--adapter=nested_call={second}"], "Nearest: nested_calls"),
        ([*one, f"--adapter=nested_calls={tmp_path}"], "--adapter: found"),
        ([*one, f"--adapter={quickstart.model_dir}"], "which holds no adapters"),
        ([f"--checkpoint={quickstart.model_dir}", f"--adapter={first}"], "--checkpoint: found"),
        ([*one, f"--adapter={wide}"], "AdapterConfig.rank 4', expected AdapterConfig.rank 2"),
        ([*one, f"--adapter={foreign}"], "vocabulary other (1111"),
        ([*one, f"--adapter={other}"], "base with fingerprint"),
        ([*one, f"--adapter={second}", f"--adapter={second}"], "one for all other requests"),
        ([*one, f"--checkpoint={second}", f"--adapter={second}"], "several --checkpoint"),
        ([f"--predictions={tmp_path}", f"--adapter={second}"], "no --checkpoint"),
    ):
        assert main(["evaluate", "--mixture=granite_fc", *arguments]) == 2
        captured = capsys.readouterr()
        assert told in captured.err and not captured.out
        gin.clear_config()
    assert main(["generate", "--prompt=a", *one, f"--adapter={other}"]) == 2
    assert "base with fingerprint" in capsys.readouterr().err
