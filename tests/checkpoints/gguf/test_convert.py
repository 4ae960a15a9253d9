"""`granite-fc convert` from a GGUF file, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import transformers

from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.checkpoints.hf.check import described
from granite_fc.checkpoints.hf.onto_mesh import load_params
from granite_fc.checkpoints.initial import restore_params
from granite_fc.cli.main import main
from granite_fc.models.decoder import abstract_params
from granite_fc.vocabularies import load_vocabulary
from tests.checkpoints.gguf.models import (
    gguf_tensors,
    hugging_face_weights,
    llama_metadata,
    small_tokenizer,
    tokenizer_metadata,
)
from tests.checkpoints.gguf.writer import write_gguf
from tests.checkpoints.hf.saved import assert_same, on_one_device


def test_a_file_becomes_a_checkpoint_beside_its_tokenizer(tmp_path: Path) -> None:
    metadata = llama_metadata() | tokenizer_metadata(small_tokenizer())
    tensors = gguf_tensors(hugging_face_weights(tied=False))
    # Told by its content.
    path = write_gguf(tmp_path / "model.bin", metadata, tensors)
    assert main(["convert", f"--from={path}", f"--to={tmp_path / 'ours'}"]) == 0
    published = read_gguf(path)
    config = described(published)
    expected = load_params(published, config, on_one_device(config))
    assert_same(restore_params(tmp_path / "ours", abstract_params(config)), expected)
    ours = load_vocabulary(str(tmp_path / "ours"))
    assert ours.digest == load_vocabulary(str(path)).digest
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    chat = [{"role": "user", "content": "What is it?"}]
    assert tokenizer.apply_chat_template(chat, tokenize=False) == "What is it?\n"


def test_a_damaged_file_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = llama_metadata() | tokenizer_metadata(small_tokenizer())
    tensors = gguf_tensors(hugging_face_weights())
    whole = write_gguf(tmp_path / "model.gguf", metadata, tensors).read_bytes()
    (tmp_path / "model.gguf").write_bytes(whole[: len(whole) // 2])
    del tensors["blk.1.ffn_up.weight"], tensors["blk.0.attn_norm.weight"]
    write_gguf(tmp_path / "less.gguf", metadata, tensors)
    for name, said in (
        ("model.gguf", ["in a file of"]),
        ("less.gguf", ["1.mlp.up_proj.weight is missing", "0.input_layernorm.weight is missing"]),
    ):
        to = tmp_path / "ours"
        assert main(["convert", f"--from={tmp_path / name}", f"--to={to}"]) == 2
        error = capsys.readouterr().err
        assert all(text in error for text in said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["less.gguf", "model.gguf"]
