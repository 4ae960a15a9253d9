"""`granite-fc convert`, both ways."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gin
import jax
import pytest
import safetensors.numpy
import torch
import transformers

from granite_fc.checkpoints.beginning import Beginning
from granite_fc.checkpoints.checkpoints import Checkpoints
from granite_fc.checkpoints.hf.export_model import export_model
from granite_fc.checkpoints.hf.onto_mesh import load_params
from granite_fc.checkpoints.initial import restore_params
from granite_fc.checkpoints.published import open_published
from granite_fc.cli.main import main
from granite_fc.conventions import conventions
from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.attach import split
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import abstract_params, adapt_params
from granite_fc.vocabularies.hugging_face import HuggingFaceVocabulary
from granite_fc.vocabularies.load import load_vocabulary
from tests.checkpoints.gguf.models import (
    TEMPLATE,
    gguf_tensors,
    hugging_face_weights,
    llama_metadata,
    small_tokenizer,
    tokenizer_metadata,
)
from tests.checkpoints.gguf.writer import write_gguf
from tests.checkpoints.hf.saved import (
    MODELS,
    assert_same,
    on_one_device,
    save,
    without_padding,
    zero_padding,
)
from tests.models.families import LLAMA, random_params
from tests.vocabularies.conftest import tokenizer_folder as tokenizer_folder


@pytest.fixture(autouse=True)
def clean_gin() -> Iterator[None]:
    yield
    gin.clear_config()


def convert(source: Path, to: Path, *more: str) -> int:
    return main(["convert", f"--from={source}", f"--to={to}", *more])


def save_ours(config: DecoderConfig, folder: Path, ema: Any = None) -> tuple[Path, Any]:
    """A checkpoint as a run leaves it."""
    params = zero_padding(config, random_params(config))
    state = {"params": params} | ({} if ema is None else {"ema": jax.tree.map(ema, params)})
    with Checkpoints(folder / "checkpoints") as checkpoints:
        about = {"model": dataclasses.asdict(config), "step": 3}
        checkpoints.save(3, state, about | ({} if ema is None else {"ema_decay": 0.9}))
    return folder / "checkpoints" / "3", params


def stored(model_dir: Path) -> Any:
    """A converted model's parameters, by the config that it says it has."""
    config = json.loads((model_dir / "checkpoints/0/data/metadata").read_text())["model"]
    return restore_params(model_dir, abstract_params(DecoderConfig(**config)))


def greedy(model: Any) -> list[int]:
    prompt = torch.tensor([[3, 14, 15, 9, 2, 6]])
    return model.generate(
        prompt, max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0
    )[0].tolist()


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_a_model_comes_back_bit_for_bit_and_writes_the_same_text(
    config: DecoderConfig, tmp_path: Path
) -> None:
    model, params = save(config, tmp_path / "theirs")
    assert convert(tmp_path / "theirs", tmp_path / "ours") == 0
    assert_same(stored(tmp_path / "ours"), without_padding(config, params))
    assert convert(tmp_path / "ours", tmp_path / "back") == 0
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "back")
    assert type(back) is type(model)
    assert greedy(back) == greedy(model)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], value, rtol=0, atol=0)
    published = open_published(tmp_path / "back")
    assert published is not None
    assert_same(load_params(published, config, on_one_device(config)), params)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_types_stay_unless_another_is_asked_for(dtype: str, tmp_path: Path) -> None:
    model, _ = save(LLAMA, tmp_path / "theirs", dtype=dtype, shard="20KB")
    assert convert(tmp_path / "theirs", tmp_path / "ours") == 0
    params = stored(tmp_path / "ours")
    # float16 is none that parameters are kept in: float32 holds all of it.
    kept = "bfloat16" if dtype == "bfloat16" else "float32"
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(params)} == {kept}
    assert convert(tmp_path / "ours", tmp_path / "back") == 0
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "back", dtype="float32")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], value.float(), rtol=0, atol=0)
    assert convert(tmp_path / "theirs", tmp_path / "wide", "--dtype=float32") == 0
    assert_same(stored(tmp_path / "wide"), jax.tree.map(lambda x: x.astype("float32"), params))


def test_weights_are_split_into_files_that_transformers_joins(tmp_path: Path) -> None:
    config = dataclasses.replace(LLAMA, vocab_multiple=16)
    checkpoint, params = save_ours(config, tmp_path / "run")
    written: list[str] = []
    export_model(
        checkpoint,
        config,
        tmp_path / "theirs",
        files={},
        eos_id=7,
        shard_bytes=20_000,
        progress=lambda done, total, name: written.append(f"{done}/{total} {name}"),
    )
    names = sorted(path.name for path in (tmp_path / "theirs").glob("*.safetensors"))
    assert len(names) > 1 and names[0] == f"model-00001-of-{len(names):05}.safetensors"
    assert all((tmp_path / "theirs" / name).stat().st_size < 22_000 for name in names)
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "theirs")
    assert back.generation_config.eos_token_id == back.config.eos_token_id == 7
    published = open_published(tmp_path / "theirs")
    assert published is not None
    assert_same(load_params(published, config, on_one_device(config)), params)
    assert written[0] == "0/11 blocks/attention/key/kernel" and written[-1] == "11/11 "


def test_an_average_of_the_parameters_is_exported_unless_gin_says_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, params = save_ours(LLAMA, tmp_path, ema=lambda x: x.astype("float32") + 1)
    assert convert(tmp_path, tmp_path / "average") == 0
    assert convert(tmp_path, tmp_path / "last", "--gin.ema.evaluate=False") == 0
    save_ours(LLAMA, tmp_path / "without")
    asked = convert(tmp_path / "without", tmp_path / "no", "--gin.ema.evaluate=True")
    assert asked == 2 and "has no average" in capsys.readouterr().err
    for name, expected in (("average", jax.tree.map(lambda x: x + 1, params)), ("last", params)):
        published = open_published(tmp_path / name)
        assert published is not None
        assert_same(load_params(published, LLAMA, on_one_device(LLAMA)), expected)


def test_the_tokenizer_goes_along_and_the_model_is_asked(
    tmp_path: Path, tokenizer_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = HuggingFaceVocabulary.from_file(tokenizer_folder / "tokenizer.json").size
    model = dataclasses.replace(LLAMA, vocab_size=size)
    save(model, tmp_path / "theirs")
    for path in tokenizer_folder.iterdir():
        shutil.copy(path, tmp_path / "theirs")
    template = "{{ messages[0]['content'] }}"
    (tmp_path / "theirs" / "chat_template.jinja").write_text(template)
    assert convert(tmp_path / "theirs", tmp_path / "ours") == 0
    # It may be moved: nothing in it says where it was.
    (tmp_path / "ours").rename(tmp_path / "moved")
    ask = ["generate", f"--checkpoint={tmp_path / 'moved'}", "--prompt=def", "--max_new_tokens=4"]
    capsys.readouterr()
    assert main(ask) == 0
    assert capsys.readouterr().out
    assert convert(tmp_path / "moved", tmp_path / "back") == 0
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "back")
    assert tokenizer.apply_chat_template([{"role": "user", "content": "x"}], tokenize=False) == "x"
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "back" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes()
    # The ids that were there, and before them the one that ends the tokenizer's texts.
    ids = {"bos_token_id": 1, "eos_token_id": [tokenizer.eos_token_id, 2], "pad_token_id": None}
    config = transformers.AutoConfig.from_pretrained(tmp_path / "back")
    generation = transformers.GenerationConfig.from_pretrained(tmp_path / "back")
    for name, value in ids.items():
        assert getattr(config, name) == getattr(generation, name) == value

    # The tokenizer of another vocabulary: at training, and beside a smaller model.
    found = Beginning.find(tmp_path / "theirs")
    found.check(model, load_vocabulary(str(tmp_path / "back")))
    with pytest.raises(ConfigurationError, match=r"VOCABULARY: found .*2k, whose id 0 is"):
        found.check(model, load_vocabulary("granite_fc_2k"))
    # And of the checkpoint that it has become; what it computes is told there as well.
    found = Beginning.find(tmp_path / "moved")
    found.check(model, load_vocabulary(str(tmp_path / "back")))
    with pytest.raises(ConfigurationError, match=r"VOCABULARY: found .*2k, whose id 0 is"):
        found.check(model, load_vocabulary("granite_fc_2k"))
    with pytest.raises(
        ConfigurationError, match=r"DecoderConfig\.rope_theta: found '500.0'.*moved"
    ):
        found.check(
            dataclasses.replace(model, rope_theta=500.0), load_vocabulary(str(tmp_path / "back"))
        )
    small = dataclasses.replace(LLAMA, vocab_size=size - 1)
    save(small, tmp_path / "theirs")
    assert convert(tmp_path / "theirs", tmp_path / "refused") == 2
    assert f"{size} ids" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "GGUF file", "SentencePiece"])
def test_a_run_leaves_with_the_tokenizer_that_it_names(
    kind: str, tmp_path: Path, tokenizer_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tokenizer_folder, tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "tokenizer.json").rename(tmp_path / "tokenizer" / "small.json")
    metadata = llama_metadata() | tokenizer_metadata(small_tokenizer())
    path = {
        "folder": tokenizer_folder,
        "file": tmp_path / "tokenizer" / "small.json",
        "GGUF file": write_gguf(
            tmp_path / "model.gguf", metadata, gguf_tensors(hugging_face_weights())
        ),
        "SentencePiece": "granite_fc_2k",
    }[kind]
    config = dataclasses.replace(LLAMA, vocab_size=4096)
    save_ours(config, tmp_path / "run")
    (tmp_path / "run" / "config.gin").write_text(
        f'include "runs/converted.gin"\nVOCABULARY = "{path}"\nSEQUENCE_LENGTH = 64\n'
    )
    assert convert(tmp_path / "run", tmp_path / "theirs") == 0
    vocabulary = load_vocabulary(str(path))
    generation = transformers.GenerationConfig.from_pretrained(tmp_path / "theirs")
    assert generation.eos_token_id == vocabulary.eos_id
    if kind == "SentencePiece":
        assert "without a tokenizer" in capsys.readouterr().out
        return
    assert "with its tokenizer" in capsys.readouterr().out
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    assert tokenizer.eos_token_id == vocabulary.eos_id
    text = '<function_call> {"name": "São Paulo", "arguments": {"n": 123}}<|endoftext|>'
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids == vocabulary.encode(text)
    if kind == "GGUF file":
        assert tokenizer.chat_template == TEMPLATE


@pytest.mark.parametrize("adapter", [None, AdapterConfig(rank=2)], ids=["model", "adapters"])
def test_what_a_run_trained_is_asked_as_in_training(
    adapter: AdapterConfig | None,
    tmp_path: Path,
    tokenizer_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(tokenizer_folder, tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "chat_template.jinja").write_text("published")
    config = dataclasses.replace(LLAMA, vocab_size=4096, adapter=adapter)
    params = random_params(dataclasses.replace(config, adapter=None))
    if adapter is not None:
        params, _ = split(adapt_params(config, params, jax.random.key(1)))
    for name, batches in (("run", {"position": 3}), ("converted", {})):
        with Checkpoints(tmp_path / name / "checkpoints") as checkpoints:
            about = {"model": dataclasses.asdict(config), "step": 3, "batches": batches}
            checkpoints.save(3, {"params": params}, about)
        (tmp_path / name / "config.gin").write_text(
            f'include "runs/converted.gin"\nVOCABULARY = "{tmp_path / "tokenizer"}"\n'
            'SEQUENCE_LENGTH = 64\nRenderingConfig.dialect = "hermes"\n'
            'RenderingConfig.function_detail = "signature"\n'
        )
    assert convert(tmp_path / "run", tmp_path / "theirs") == 0
    assert "with its tokenizer and a chat template" in capsys.readouterr().out
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    entry = json.loads((tmp_path / "theirs" / "tokenizer_config.json").read_text())["chat_template"]
    assert entry == tokenizer.chat_template
    request = {"messages": [{"role": "user", "content": "São Paulo?"}], "tools": [{"name": "f"}]}
    # As the command has left gin: as the run says.
    asked = conventions().read_request(request)
    prompt = conventions().prompt_for_calls(asked.functions, asked.conversation)
    assert prompt.startswith("<|im_start|>system") and '"description": "f()"' in prompt
    ids = tokenizer.apply_chat_template(
        request["messages"], tools=request["tools"], add_generation_prompt=True, return_dict=False
    )
    assert ids == load_vocabulary(str(tmp_path / "tokenizer")).encode(prompt)

    assert convert(tmp_path / "converted", tmp_path / "as_published") == 0
    assert (tmp_path / "as_published" / "chat_template.jinja").read_text() == "published"
    capsys.readouterr()
    monkeypatch.setattr(type(conventions()), "chat_template", lambda _: None)
    assert convert(tmp_path / "run", tmp_path / "without") == 0
    assert "with its tokenizer and no chat template" in capsys.readouterr().out
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "without")
    assert tokenizer.chat_template is None


def test_ids_that_the_config_alone_tells_are_kept(tmp_path: Path) -> None:
    save(LLAMA, tmp_path / "theirs")
    (tmp_path / "theirs" / "generation_config.json").unlink()
    assert convert(tmp_path / "theirs", tmp_path / "ours") == 0
    assert convert(tmp_path / "ours", tmp_path / "back") == 0
    generation = transformers.GenerationConfig.from_pretrained(tmp_path / "back")
    assert (generation.bos_token_id, generation.eos_token_id) == (1, 2)


def test_what_cannot_be_converted_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(LLAMA, tmp_path / "theirs")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    assert convert(tmp_path / "theirs", tmp_path / "full") == 2
    assert convert(tmp_path / "nothing", tmp_path / "to") == 2
    error = capsys.readouterr().err
    assert "--from: found" in error and "Hugging Face directory" in error
    path = tmp_path / "theirs" / "model.safetensors"
    arrays = safetensors.numpy.load_file(path)
    del arrays["model.norm.weight"]
    safetensors.numpy.save_file(arrays, path)
    assert convert(tmp_path / "theirs", tmp_path / "to") == 2
    assert "model.norm.weight is missing" in capsys.readouterr().err

    checkpoint, params = save_ours(LLAMA, tmp_path / "run")
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=size - 1))
        assert convert(tmp_path / "run", tmp_path / "to") == 2
    assert f"expected {size:,} bytes" in capsys.readouterr().err

    # Fails in the midst of writing.
    data = sorted((checkpoint / "state").rglob("d/*"), key=lambda p: p.stat().st_size)[-1]
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"OCDBT|corrupt|ocdbt"):
        export_model(
            checkpoint, LLAMA, tmp_path / "to", files={}, eos_id=0, progress=lambda *_: None
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "run", "theirs"]
