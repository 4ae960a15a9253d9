"""BERTScore by an encoder of one's own.

An encoder reads reference and answer; each token's vector of one layer is matched with the most
similar one, by cosine, of the other text. Precision is the mean over the answer's tokens, recall
over the reference's, special tokens left out; F1 is their harmonic mean. There are neither idf
weights nor a baseline to rescale by (Zhang et al., BERTScore, ICLR 2020, section 3). Numbers of
different encoders or layers cannot be compared, so both go into reports.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

from granite_fc.errors import ConfigurationError
from granite_fc.evaluation.metrics.metric import Metric

_KEY = "encoder directory"
_WEIGHTS = "model.safetensors"
# Text that an encoder of 512 positions cannot read is cut by its tokeniser; more is not handed to
# it.
_MAX_CHARACTERS = 20_000

METRICS = (
    Metric(
        "bert_score",
        "BERTScore",
        "Mean F1 of BERTScore over replies, without idf weights and not rescaled; the report names"
        " encoder, layer and a hash of the weights. Absent where no encoder is given.",
        "Zhang et al., BERTScore, ICLR 2020",
    ),
)


class BertScorer:
    """The encoder of a directory that `transformers` can load.

    Args:
        directory: Its files, `config.json`, `model.safetensors` and a tokeniser among them.
        layer: The layer whose vectors are compared, from 1; None for the one three quarters up,
            about where the layers lie that the authors of BERTScore chose by human judgements.

    Raises:
        ConfigurationError: `transformers` or torch is not installed, the directory has no encoder,
            or it has no such layer.
    """

    def __init__(self, directory: str | Path, layer: int | None = None) -> None:
        self._directory = Path(directory)
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise ConfigurationError(
                    _KEY,
                    found=f"no {package}",
                    expected="transformers and torch, which run the encoder",
                    remedy="pip install torch transformers, or leave BERTScore out.",
                )
        if not (self._directory / _WEIGHTS).is_file():
            raise ConfigurationError(
                _KEY,
                found=str(directory),
                expected=f"a directory with {_WEIGHTS} and its tokeniser",
            )
        num_layers = self._loaded[1].config.num_hidden_layers
        self.layer = layer if layer is not None else max(1, round(0.75 * num_layers))
        if not 1 <= self.layer <= num_layers:
            raise ConfigurationError("layer", found=layer, expected=f"1 to {num_layers}")

    @functools.cached_property
    def description(self) -> str:
        """Encoder, layer and the first 16 digits of the weights' SHA-256."""
        with open(self._directory / _WEIGHTS, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return f"{self._directory.name}, layer {self.layer}, sha256 {digest[:16]}"

    def f1(self, gold: str, given: str) -> float:
        """The F1 of an answer; 0 where either text is empty."""
        wanted, found = self._vectors(gold), self._vectors(given)
        if not len(wanted) or not len(found):
            return 0.0
        similarity = wanted @ found.T
        recall = similarity.max(axis=1).mean()
        precision = similarity.max(axis=0).mean()
        total = float(precision + recall)
        return 2 * float(precision) * float(recall) / total if total > 0 else 0.0

    @functools.cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self._directory, local_files_only=True)
            model = AutoModel.from_pretrained(
                self._directory, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, KeyError) as error:
            raise ConfigurationError(
                _KEY,
                found=str(self._directory),
                expected="an encoder that transformers can load",
                remedy=str(error).splitlines()[0],
            ) from error
        return tokenizer, model.eval()

    def _vectors(self, text: str) -> Any:
        """The unit vectors `[tokens, width]` (NumPy, float32) of a text, without special tokens."""
        import torch

        tokenizer, model = self._loaded
        # RoBERTa numbers positions from 2.
        longest = getattr(model.config, "max_position_embeddings", 514) - 2
        encoded = tokenizer(
            text[:_MAX_CHARACTERS],
            return_tensors="pt",
            truncation=True,
            max_length=min(longest, tokenizer.model_max_length),
            return_special_tokens_mask=True,
        )
        special = encoded.pop("special_tokens_mask")[0].bool()
        with torch.no_grad():
            states = model(**encoded, output_hidden_states=True).hidden_states[self.layer][0]
        states = torch.nn.functional.normalize(states[~special].float(), dim=-1)
        return states.numpy()
