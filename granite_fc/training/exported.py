"""What a run has trained as a Hugging Face directory, with the tokenizer of its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from granite_fc import configuration
from granite_fc.checkpoints.gguf.file import is_gguf
from granite_fc.checkpoints.gguf.published import read_gguf
from granite_fc.checkpoints.hf.chat_template import with_chat_template
from granite_fc.checkpoints.hf.directory import files_in
from granite_fc.checkpoints.hf.export_model import Progress, export_model, stored_config
from granite_fc.checkpoints.initial import read_data
from granite_fc.conventions import conventions, has_conventions
from granite_fc.training.exported_adapters import export_adapters
from granite_fc.training.finished import check_has_average, wants_average
from granite_fc.training.resumption import check_same_vocabulary
from granite_fc.vocabularies.hugging_face import TOKENIZER_FILE, HuggingFaceVocabulary
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary

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
    one of Hugging Face's or in a GGUF file. Beside it stands the chat template that writes the
    prompts which the run was trained on, if its tasks package has one, or else none. What was only
    converted keeps the template that it was published with, and so does a run without such a
    package.

    Args:
        checkpoint: `.../checkpoints/<step>`.
        to: The directory, which is not there yet.
        overrides: (name, value) pairs over the run's `config.gin`, such as its VOCABULARY.
        dtype: The type of the weights; None takes that which they are saved in.
        progress: See `export_model`.

    Raises:
        ConfigurationError: There is no such model in transformers, another vocabulary than the
            model's, or no average where one is asked for; nothing is written.
    """
    about = read_data(checkpoint)
    model_dir = checkpoint.parent.parent
    files, eos_id, base = files_in(model_dir), None, None
    if not (model_dir / _CONFIG).is_file() or _has_no_vocabulary(about, overrides):
        configuration.parse([], overrides)
    else:
        configuration.parse([str(model_dir / _CONFIG)], [("MODEL_DIR", str(model_dir)), *overrides])
        vocabulary = load_vocabulary()
        check_same_vocabulary(about, vocabulary)
        eos_id = vocabulary.eos_id
        files = _files_of(vocabulary) or files
        if TOKENIZER_FILE in files and about.get("batches") and has_conventions():
            files = with_chat_template(files, conventions().chat_template())
        base = configuration.macro("INITIAL_CHECKPOINT_PATH")
    use_ema = wants_average(about, overrides)
    if use_ema:
        check_has_average(checkpoint, about)
    config = stored_config(about)
    if config.adapter is not None:
        export_adapters(
            checkpoint,
            config,
            to,
            files=files,
            eos_id=eos_id,
            base=base,
            # In which they are trained.
            dtype=dtype or "float32",
            use_ema=use_ema,
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


def _has_no_vocabulary(about: Mapping[str, Any], overrides: Sequence[tuple[str, str]]) -> bool:
    """Whether a model was published without a tokenizer, and none is named for it now."""
    return about.get("vocabulary", ...) is None and "VOCABULARY" not in dict(overrides)


def _files_of(vocabulary: Vocabulary) -> dict[str, bytes]:
    """What stands beside the run's tokenizer and itself, if it is none of SentencePiece's."""
    if not isinstance(vocabulary, HuggingFaceVocabulary):
        return {}
    path = Path(str(configuration.macro("VOCABULARY"))).expanduser()
    if is_gguf(path):
        return dict(read_gguf(path).files)
    if path.is_dir():
        return files_in(path)
    return files_in(path.parent) | {TOKENIZER_FILE: path.read_bytes()}
