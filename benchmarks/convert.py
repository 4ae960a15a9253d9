"""How much memory the conversion of a large model takes, and how long.

    python -m benchmarks.convert [--layers 52] [--width 6144] [--folder DIR] [--back]

Writes a published model of the sizes of Granite code 20B (gpt_bigcode, bfloat16) in sparse files,
all of zeros, which take no room on a disk, and converts it in a process of its own. A checkpoint of
zeros is small, since checkpoints are compressed. With `--back` the checkpoint is converted back,
for which there has to be room for all weights. Prints a table: the size of the weights, the largest
resident memory of the process, and the seconds. Everything is deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from granite_fc.checkpoints.hf.config_out import published_config
from granite_fc.checkpoints.hf.directory import CONFIG
from granite_fc.checkpoints.hf.families import TABLES
from granite_fc.checkpoints.hf.safetensors_writer import SafetensorsWriter
from granite_fc.checkpoints.hf.weights import tensors_of
from granite_fc.models.config import DecoderConfig

_GIB = 2**30
# Runs the command line and says how much memory it took at most. Not by `getrusage`, which counts
# what the process was before it became this one.
_MEASURED = """
import re, sys
from granite_fc.cli.main import main
status = main(sys.argv[1:])
print(int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]) * 1024)
sys.exit(status)
"""


class Conversion(NamedTuple):
    """What one conversion took.

    Attributes:
        peak: Bytes of resident memory at most.
        seconds: Wall time.
    """

    peak: int
    seconds: float


def granite_20b(num_layers: int, width: int) -> DecoderConfig:
    """Returns the sizes of Granite code 20B, which has 52 layers and is 6144 wide."""
    return DecoderConfig(
        vocab_size=49152,
        d_model=width,
        num_layers=num_layers,
        num_heads=width // 128,
        num_kv_heads=1,
        head_dim=128,
        d_ff=4 * width,
        max_positions=8192,
        positions="learned",
        norm="layernorm",
        activation="gelu_tanh",
        gated_mlp=False,
        attention_bias=True,
        mlp_bias=True,
    )


def write_zeros(config: DecoderConfig, folder: Path) -> int:
    """Writes a gpt_bigcode model of zeros in bfloat16, and returns the bytes of its weights.

    Args:
        config: Its sizes.
        folder: Made; has shards, their index and `config.json`.
    """
    folder.mkdir(parents=True)
    content = published_config(config, "zeros", "bfloat16")
    (folder / CONFIG).write_text(json.dumps(content))
    shapes = {tensor.name: tensor.shape for tensor in tensors_of(TABLES["gpt_bigcode"], config)}
    SafetensorsWriter(folder, shapes, "bfloat16")
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def convert(source: Path, to: Path) -> Conversion:
    """Converts in a process of its own.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    begun = time.perf_counter()
    command = [sys.executable, "-c", _MEASURED, "convert", f"--from={source}", f"--to={to}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Conversion(int(done.stdout.split()[-1]), time.perf_counter() - begun)


def main(arguments: Sequence[str] | None = None) -> None:
    """Converts and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=52, help="52 are 20 billion parameters")
    parser.add_argument("--width", type=int, default=6144, help="a multiple of 128")
    parser.add_argument("--folder", default=None, help="where to write (default: the system's)")
    parser.add_argument("--back", action="store_true", help="convert the checkpoint back too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as directory:
        folder = Path(directory)
        weights = write_zeros(granite_20b(options.layers, options.width), folder / "theirs")
        print(f"{'to':20}{'weights GiB':>12}{'peak GiB':>10}{'seconds':>9}")
        steps = [("a checkpoint", "theirs", "ours")]
        if options.back:
            steps.append(("a published model", "ours", "back"))
        for name, source, to in steps:
            found = convert(folder / source, folder / to)
            figures = f"{weights / _GIB:12.2f}{found.peak / _GIB:10.2f}{found.seconds:9.0f}"
            print(f"{name:20}{figures}", flush=True)


if __name__ == "__main__":
    main()
