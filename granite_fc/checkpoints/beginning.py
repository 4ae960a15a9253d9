"""What a run begins with: a checkpoint of ours, or a published model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from granite_fc.checkpoints.hf.check import check_same_decoder, check_weights, described
from granite_fc.checkpoints.hf.directory import CONFIG
from granite_fc.checkpoints.hf.export_model import stored_config
from granite_fc.checkpoints.hf.onto_mesh import load_params, types_as_published
from granite_fc.checkpoints.hf.tensors import Published
from granite_fc.checkpoints.hf.tokens import check_same_tokens, tokenizer_of
from granite_fc.checkpoints.initial import (
    find_checkpoint,
    on_devices,
    read_data,
    restore_params,
)
from granite_fc.checkpoints.published import open_published
from granite_fc.errors import ConfigurationError
from granite_fc.models.config import DecoderConfig
from granite_fc.models.decoder import base_config
from granite_fc.vocabularies.hugging_face import TOKENIZER_FILE
from granite_fc.vocabularies.load import load_vocabulary
from granite_fc.vocabularies.vocabulary import Vocabulary

PyTree = Any

KEY = "INITIAL_CHECKPOINT_PATH"
_VOCABULARY = "VOCABULARY"


@dataclasses.dataclass(frozen=True)
class Beginning:
    """Where the parameters are that a run begins with.

    Attributes:
        path: The directory of the checkpoint or of the published model.
        published: The model, where it is one.
    """

    path: Path
    published: Published | None = None

    def __str__(self) -> str:
        return str(self.path)

    @classmethod
    def find(cls, path: str | Path, *, key: str = KEY) -> Beginning:
        """Returns what a path holds.

        Args:
            path: See `find_checkpoint` and `open_published`.
            key: What the user calls it.

        Raises:
            ConfigurationError: Neither, or a damaged one.
        """
        published = open_published(path)
        if published is not None:
            return cls(Path(path).expanduser().absolute(), published)
        try:
            return cls(find_checkpoint(path, key=key))
        except ConfigurationError as error:
            raise ConfigurationError(
                key,
                found=error.found,
                expected=f"{error.expected}; a Hugging Face directory; or a GGUF file",
            ) from None

    def check(self, config: DecoderConfig, vocabulary: Vocabulary) -> None:
        """Checks that the model is the run's, by all that is said of it; reads no weight.

        Args:
            config: The run's decoder.
            vocabulary: That of the run's data.

        Raises:
            ConfigurationError: Names each field that differs; or each weight of a published model;
                or the first token; or a checkpoint is of adapters, or in another type.
        """
        if self.published is None:
            about = read_data(self.path)
            if "model" in about:
                stored = stored_config(about)
                _check_whole(self.path, stored)
                check_same_decoder(stored, config, f"the checkpoint {self.path}")
                _check_same_arrays(self.path, stored, config)
            _check_same_vocabulary(self.path, about, vocabulary)
            return
        said_by = f"{self.published.name}/{CONFIG}"
        check_same_decoder(described(self.published), config, said_by)
        check_weights(self.published, base_config(config))
        theirs = tokenizer_of(self.published)
        if theirs is not None:
            check_same_tokens(theirs, self.published.name, vocabulary, key=_VOCABULARY)

    def params(self, config: DecoderConfig, abstract_base: PyTree) -> PyTree:
        """Returns the parameters.

        Args:
            config: The run's decoder. With adapters, what is published in bfloat16 stays in it.
            abstract_base: Tree of `jax.ShapeDtypeStruct` of the model without adapters, with
                shardings or for the default device.

        Raises:
            ConfigurationError: Names every array that does not fit.
        """
        if self.published is None:
            return restore_params(self.path, abstract_base)
        base = base_config(config)
        abstract_base = on_devices(abstract_base)
        if config.adapter is not None:
            abstract_base = types_as_published(self.published, base, abstract_base)
        return load_params(self.published, base, abstract_base)


def _check_whole(checkpoint: Path, stored: DecoderConfig) -> None:
    if stored.adapter is not None:
        raise ConfigurationError(
            KEY,
            found=f"{checkpoint}: adapters, without the model that they stand beside",
            expected="a checkpoint of a whole model",
            remedy="Merge them first: granite-fc convert --merge.",
        )


def _check_same_arrays(checkpoint: Path, stored: DecoderConfig, config: DecoderConfig) -> None:
    """Checks what makes the arrays of one model differ: their type, and rows without an id."""
    if stored.param_dtype != config.param_dtype:
        raise ConfigurationError(
            "DecoderConfig.param_dtype",
            found=config.param_dtype,
            expected=f"{stored.param_dtype}, in which {checkpoint} is stored",
            remedy="Set it so, or convert the model again with --dtype.",
        )
    if stored.padded_vocab_size != config.padded_vocab_size:
        raise ConfigurationError(
            "DecoderConfig.vocab_multiple",
            found=f"{config.vocab_multiple}, which makes {config.padded_vocab_size:,} rows",
            expected=f"{stored.vocab_multiple}: {checkpoint} has {stored.padded_vocab_size:,} rows",
        )


def _check_same_vocabulary(
    checkpoint: Path, about: Mapping[str, Any], vocabulary: Vocabulary
) -> None:
    """Checks that ids mean what they meant to a checkpoint's model."""
    model_dir = checkpoint.parent.parent
    if (model_dir / TOKENIZER_FILE).is_file():
        theirs = load_vocabulary(str(model_dir))
        check_same_tokens(theirs, str(model_dir), vocabulary, key=_VOCABULARY)
        return
    then = about.get("vocabulary")
    if then is not None and then["digest"] != vocabulary.digest:
        raise ConfigurationError(
            _VOCABULARY,
            found=f"{vocabulary.name} ({vocabulary.digest[:12]})",
            expected=f"{then['name']} ({then['digest'][:12]}), with which {checkpoint} was trained",
        )


def check_is_run(about: Mapping[str, Any], model_dir: Path) -> None:
    """Checks that a folder's checkpoints are of a run, which goes on with them.

    Args:
        about: What `read_data` gave.
        model_dir: The folder.

    Raises:
        ConfigurationError: They are of a converted model.
    """
    if not about.get("batches"):
        raise ConfigurationError(
            "MODEL_DIR",
            found=f"{model_dir}, a converted model",
            expected="a folder for what the run leaves behind",
            remedy=f"Begin with the model: {KEY}={model_dir}.",
        )
