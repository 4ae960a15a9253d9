import ast
import dataclasses
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import gin
import pytest

from granite_fc.errors import ConfigurationError
from tasks.sources.locations import source_locations
from tasks.sources.registry import SOURCES
from tasks.sources.source import _SHARED_CODE
from tests.sources.dialogue_data import write_multiwoz, write_star, write_tau_bench
from tests.sources.raw_data import (
    hotel_dialogue,
    two_service_dialogue,
    write_api_bank,
    write_glaive,
    write_meta_tool,
    write_seal_tools,
    write_sgd,
    write_slurp,
    write_snips,
    write_taskmaster4,
    write_topv2,
)

PUBLIC = [source for source in SOURCES.values() if source.folders]


@pytest.fixture
def data_dir(tmp_path):
    write_glaive(tmp_path / "GlaiveDemo")
    write_sgd(tmp_path / "SGD", [hotel_dialogue("1_0")])
    write_taskmaster4(tmp_path / "Taskmaster4", [])
    write_star(tmp_path / "STAR", {})
    write_tau_bench(tmp_path / "TauBench", [])
    write_multiwoz(tmp_path / "MultiWOZ", {})
    write_snips(tmp_path / "SNIPS")
    write_slurp(tmp_path / "SLURP")
    write_api_bank(tmp_path / "APIBank", [])
    write_meta_tool(tmp_path / "MetaTool", "")
    write_seal_tools(tmp_path / "SealTools", [])
    write_topv2(tmp_path / "TOPv2_HinglishTOP", [])
    return tmp_path


# They say how code is configured and fails, not what episodes say.
_NO_CONTENT = ("granite_fc.errors", "tasks.sources.parser_config", "tasks.sources.registry")


def _imported(module):
    """The project's modules that a module imports, itself included, and those that they do."""
    found, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name in found or not name.startswith(("granite_fc", "tasks")):
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None or spec.origin.endswith("__init__.py"):
            continue
        found.add(name)
        for node in ast.walk(ast.parse(Path(spec.origin).read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                todo.append(node.module)
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_a_change_of_any_module_that_decides_the_episodes_is_noticed(name):
    source = SOURCES[name]
    digested = (source.parser, *source.modules, *_SHARED_CODE, *_NO_CONTENT)
    missed = {
        module
        for module in _imported(source.parser)
        if not any(module == known or module.startswith(f"{known}.") for known in digested)
    }
    assert not missed


def test_registry_and_parsers_load_no_tensorflow():
    code = (
        "import importlib, sys; from tasks.sources.registry import SOURCES\n"
        "import tasks.sources.locations, tasks.sources.tally\n"
        "for source in SOURCES.values(): importlib.import_module(source.parser); source.content()\n"
        "print([name for name in ('tensorflow', 'jax', 'seqio') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_content_is_json_and_follows_gin(source):
    assert json.loads(json.dumps(source.content()))["source"] == source.name
    name = source.config.partition(":")[2]
    field = next(f for f in dataclasses.fields(source.settings()) if f.type in ("int", "float"))
    before = source.content()
    with gin.unlock_config():
        gin.bind_parameter(f"{name}.{field.name}", 1)
        try:
            assert source.content()["settings"][field.name] == 1
            assert source.content() != before
        finally:
            gin.clear_config()
    assert source.content() == before


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_settings_out_of_range_are_configuration_errors(source):
    for field in dataclasses.fields(source.settings()):
        if field.type in ("int", "float"):
            for value in (-1, "1", True, *([1.5] if field.type == "float" else [0.5])):
                with pytest.raises(ConfigurationError) as caught:
                    dataclasses.replace(source.settings(), **{field.name: value})
                assert caught.value.key.endswith(f".{field.name}")


@pytest.mark.parametrize("source", PUBLIC, ids=lambda source: source.name)
def test_missing_data_says_what_to_clone(source, tmp_path):
    for data_dir, found in ((None, "None"), (tmp_path, str(tmp_path / source.folders[0]))):
        for use in (source.data_files, lambda d, s=source: list(s.episodes(d, "train"))):
            with pytest.raises(ConfigurationError) as caught:
                use(data_dir)
            assert caught.value.key == "DATA_DIR"
            assert found in str(caught.value) and source.homepage in str(caught.value)


def test_the_folder_may_have_the_name_of_the_repository(tmp_path):
    write_sgd(tmp_path / "dstc8-schema-guided-dialogue", [hotel_dialogue("1_0")])
    assert len(SOURCES["sgd"].data_files(tmp_path)) == 3 * 2 + 3 * 5


@pytest.mark.parametrize("source", PUBLIC, ids=lambda source: source.name)
def test_data_files_are_those_that_are_read(source, data_dir):
    files = [Path(name) for name in source.data_files(data_dir)]
    assert files and all(path.is_file() for path in files)
    assert not any("test_in_domain" in path.name for path in files)
    # Nothing else is needed.
    for path in Path(data_dir).rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    list(source.episodes(data_dir, "train"))
    list(source.episodes(data_dir, "validation"))


def test_digest_follows_data_and_settings(data_dir, tmp_path):
    sgd = SOURCES["sgd"]
    before = sgd.digest(data_dir)
    copy = tmp_path / "copy"
    shutil.copytree(data_dir / "SGD", copy / "SGD")
    assert sgd.digest(copy) == before
    settings = dataclasses.replace(sgd.settings(), max_result_rows=1)
    assert sgd.digest(data_dir, settings) != before
    write_sgd(data_dir / "SGD", [two_service_dialogue("1_0")])
    assert sgd.digest(data_dir) != before


def test_locations_default_to_the_cache_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert source_locations().prepared_dir == tmp_path / "granite_fc" / "episodes"
    assert source_locations().data_dir is None
    assert source_locations(data_dir="~/d").data_dir == Path.home() / "d"
