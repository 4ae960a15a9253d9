"""The wheel carries all that a run needs, and so does an editable installation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.end_to_end.command import TINY, overrides

REPOSITORY = Path(__file__).resolve().parents[2]
QUICKSTART = "--gin_file=runs/quickstart.gin"
# Prints where packages and gin files were found, then is the command line.
MAIN = """
import site, sys
{prepare}
import granite_fc, tasks
from granite_fc.cli.main import main
from granite_fc.configuration import gin_directory
print(granite_fc.__file__, tasks.__file__, gin_directory())
sys.exit(main(sys.argv[1:]))
"""
# The environment of the tests may hold an editable installation of its own, which would come first.
FORGET_EDITABLE = """
def editable(name):
    return name.startswith("__editable__")
sys.meta_path[:] = [f for f in sys.meta_path if not editable(getattr(f, "__module__", ""))]
for name in filter(editable, list(sys.modules)):
    del sys.modules[name]
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is built: building leaves folders behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("granite_fc", "tasks", "gin"):
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, folder)
    return folder


def python(words: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Returns the output of a Python process that has succeeded."""
    process = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel."""
    built, unpacked = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("wheel")
    python(["-m", "build", "--wheel", "--no-isolation", "--outdir", built, "."], source)
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        opened.extractall(unpacked)
    return unpacked


def test_it_holds_all_files_that_are_tracked(source: Path, wheel: Path) -> None:
    def files(folder: Path) -> set[str]:
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert files(wheel / "tasks") == files(source / "tasks")
    in_package = files(wheel / "granite_fc")
    gin_files = {name for name in in_package if name.startswith("gin_files/")}
    assert in_package - gin_files == files(source / "granite_fc")
    assert gin_files == {f"gin_files/{name}" for name in files(source / "gin")}
    for name in ("vocabularies/models/README.md", "evaluation/assets/report.css"):
        assert name in in_package
    assert "gin_files/runs/quickstart.gin" in gin_files
    assert not (wheel / "gin").exists(), "it would hide the gin library"


def test_it_says_what_it_is(wheel: Path) -> None:
    (information,) = wheel.glob("*.dist-info")
    metadata = (information / "METADATA").read_text()
    head, _, description = metadata.partition("\n\n")
    assert "Apache-2.0" in head
    bounded = [
        line for line in head.splitlines() if line.startswith(("Requires-Dist", "Requires-Python"))
    ]
    assert len(bounded) > 20
    for line in bounded:
        assert "<" in line and ">=" in line, f"{line} is not bounded"
    for extra in ("tpu", "gpu", "hf", "beam", "test"):
        assert f"Provides-Extra: {extra}" in head
    assert description.strip() == (REPOSITORY / "README.md").read_text().strip()
    entry_points = (information / "entry_points.txt").read_text()
    assert "granite-fc = granite_fc.cli.main:main" in entry_points
    assert (information / "licenses" / "LICENSE").read_text().strip()


def test_it_runs_the_quickstart_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    (cwd := tmp_path / "empty").mkdir()
    settings = {
        **TINY,
        "MODEL_DIR": tmp_path / "run",
        "SimulatorConfig.train_episodes": 100,
        "SimulatorConfig.validation_episodes": 30,
        "TRAIN_STEPS": 2,
        "GENERATION_EXAMPLES": 0,
    }
    output = python(
        ["-c", MAIN.format(prepare=""), "train", QUICKSTART, *overrides(settings)],
        cwd,
        PYTHONPATH=str(wheel),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        JAX_PLATFORMS="cpu",
        JAX_DISABLE_MOST_OPTIMIZATIONS="1",
    )
    package = wheel / "granite_fc"
    found = f"{package}/__init__.py {wheel}/tasks/__init__.py {package}/gin_files"
    assert output.splitlines()[0] == found
    assert "done: 2 steps" in output
    style = (REPOSITORY / "granite_fc" / "evaluation" / "assets" / "report.css").read_text()
    assert style.strip() in (tmp_path / "run" / "report.html").read_text()
    assert not list(cwd.iterdir())


def test_an_editable_installation_finds_the_checkouts_gin_files(
    source: Path, tmp_path: Path
) -> None:
    build = f"import setuptools.build_meta as b; b.build_editable({str(tmp_path)!r})"
    python(["-c", build], source)
    (path,) = tmp_path.glob("*.whl")
    installed, cwd = tmp_path / "site", tmp_path / "empty"
    cwd.mkdir()
    with zipfile.ZipFile(path) as opened:
        opened.extractall(installed)
    prepare = FORGET_EDITABLE + f"sys.path.insert(0, {str(installed)!r})\n"
    prepare += f"site.addsitedir({str(installed)!r})"
    command = ["train", QUICKSTART, "--gin.MODEL_DIR=run", "--dry_run"]
    output = python(
        ["-I", "-c", MAIN.format(prepare=prepare), *command], cwd, JAX_PLATFORMS="absent"
    )
    found = f"{source}/granite_fc/__init__.py {source}/tasks/__init__.py {source}/gin"
    assert output.splitlines()[0] == found
    assert "would write 7 caches in run/cache" in output
