"""`granite-fc convert`: published models into checkpoints, and checkpoints into such models."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from granite_fc.errors import ConfigurationError

# Seconds between lines that tell how far the work is.
_PERIOD = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommand's arguments."""
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        metavar="DIR_OR_FILE",
        help="a Hugging Face directory or a GGUF file, to become a checkpoint; or a MODEL_DIR or "
        "one checkpoint in it, to become a Hugging Face directory; of adapters, one for PEFT",
    )
    parser.add_argument(
        "--to", required=True, metavar="DIR", help="where it goes; not there yet, or empty"
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "bfloat16"),
        help="the type that weights are written in (default: the one that they are in)",
    )
    parser.add_argument(
        "--merge",
        action="store_true",
        help="of a run with adapters: add them to the model that they stand beside, and write a "
        "checkpoint of that",
    )


def run(arguments: argparse.Namespace) -> int:
    """Converts; returns the exit status."""
    from granite_fc.checkpoints.beginning import Beginning
    from granite_fc.checkpoints.beside import check_free

    source = Path(arguments.source).expanduser().absolute()
    to = Path(arguments.to).expanduser().absolute()
    check_free(to)
    found = Beginning.find(source, key="--from")
    if arguments.merge:
        if found.published is not None:
            raise ConfigurationError(
                "--merge", found=f"{source}, a published model", expected="a run with adapters"
            )
        from granite_fc.training.merged_run import merge_run

        config = merge_run(
            found.path, to, overrides=arguments.overrides, dtype=arguments.dtype, progress=_Lines()
        )
        print(f"wrote {to}: {config.num_layers} layers in {config.param_dtype}, as a checkpoint")
        return 0
    if found.published is not None:
        if arguments.overrides:
            raise ConfigurationError(
                f"--gin.{arguments.overrides[0][0]}",
                found="a gin override",
                expected="none where a published model says all itself",
            )
        from granite_fc.checkpoints.hf.import_model import import_model

        config = import_model(found.published, to, dtype=arguments.dtype, progress=_Lines())
        print(f"wrote {to}: {config.num_layers} layers in {config.param_dtype}, as a checkpoint")
        return 0
    from granite_fc.training.exported import export_run

    export_run(
        found.path, to, overrides=arguments.overrides, dtype=arguments.dtype, progress=_Lines()
    )
    print(f"wrote {to}: a Hugging Face directory {_tokenizer_in(to)}")
    return 0


def _tokenizer_in(folder: Path) -> str:
    """Says what stands there beside the weights."""
    from granite_fc.checkpoints.hf.chat_template import has_chat_template
    from granite_fc.checkpoints.hf.directory import files_in
    from granite_fc.vocabularies.hugging_face import TOKENIZER_FILE

    files = files_in(folder)
    if TOKENIZER_FILE not in files:
        return "without a tokenizer"
    template = "a" if has_chat_template(files) else "no"
    return f"with its tokenizer and {template} chat template"


class _Lines:
    """Tells on standard error how far long work is."""

    def __init__(self) -> None:
        self._begun = self._told = time.monotonic()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Tells it, unless it has just been told."""
        now = time.monotonic()
        if now - self._told >= _PERIOD:
            self._told = now
            seconds = now - self._begun
            print(f"{done} of {total} after {seconds:.0f} s: {name}", file=sys.stderr, flush=True)
