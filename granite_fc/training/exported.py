"""What a run has trained as a Hugging Face directory, with the tokenizer of its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from granite_fc import configuration
from granite_fc.checkpoints.hf.directory import FILES
from granite_fc.checkpoints.hf.export_model import Progress, export_model, stored_config
from granite_fc.checkpoints.initial import read_data
from granite_fc.training.exported_adapters import export_adapters
from granite_fc.training.finished import wants_average
from granite_fc.training.resumption import check_same_vocabulary
from granite_fc.vocabularies.hugging_face import TOKENIZER_FILE
from granite_fc.vocabularies.load import load_vocabulary

_CONFIG = "config.gin"


def export_run(
    checkpoint: Path,
    to: Path,
    *,
    overrides: Sequence[tuple[str, str]] = (),
    dtype: str | None,
    progress: Progress,
) -> None:
    """Writes a checkpoint as a Hugging Face directory: a model, or adapters for PEFT.

    Where the run kept an average of its parameters, it is that, unless gin says that
    `ema.evaluate` is False. The tokenizer is that which the run's `config.gin` names, where it is
    one of Hugging Face's.

    Args:
        checkpoint: `.../checkpoints/<step>`.
        to: The directory, which is not there yet.
        overrides: (name, value) pairs over the run's `config.gin`, such as its VOCABULARY.
        dtype: The type of the weights; None takes that which they are saved in.
        progress: See `export_model`.

    Raises:
        ConfigurationError: There is no such model in transformers, or another
            vocabulary than the model's; nothing is written.
    """
    about = read_data(checkpoint)
    model_dir = checkpoint.parent.parent
    folder, eos_id, base = model_dir, None, None
    if not (model_dir / _CONFIG).is_file():
        configuration.parse([], overrides)
    else:
        configuration.parse([str(model_dir / _CONFIG)], [("MODEL_DIR", str(model_dir)), *overrides])
        vocabulary = load_vocabulary()
        check_same_vocabulary(about, vocabulary)
        eos_id = vocabulary.eos_id
        folder = _tokenizer_folder() or model_dir
        base = configuration.macro("INITIAL_CHECKPOINT_PATH")
    files = {name: (folder / name).read_bytes() for name in FILES if (folder / name).is_file()}
    use_ema = wants_average(about, overrides)
    config = stored_config(about)
    if config.adapter is not None:
        export_adapters(
            checkpoint, config, to, files=files, base=base, dtype=dtype, use_ema=use_ema
        )
        return
    export_model(
        checkpoint,
        config,
        to,
        files=files,
        eos_id=eos_id,
        dtype=dtype,
        use_ema=use_ema,
        progress=progress,
    )


def _tokenizer_folder() -> Path | None:
    """Where the run's tokenizer is, if it is one of Hugging Face's."""
    path = Path(str(configuration.macro("VOCABULARY"))).expanduser()
    folder = path.parent if path.name == TOKENIZER_FILE else path
    return folder if (folder / TOKENIZER_FILE).is_file() else None
