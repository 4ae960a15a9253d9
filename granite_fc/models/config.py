"""The shape of a decoder: one dataclass for the three families."""

from __future__ import annotations

import dataclasses
import math

import gin

from granite_fc.errors import ConfigurationError
from granite_fc.models.adapters.config import AdapterConfig
from granite_fc.models.attention import IMPLEMENTATIONS, WIDEST_HEAD
from granite_fc.models.remat import REMAT_POLICIES

POSITIONS = ("rope", "learned")
NORMS = ("rmsnorm", "layernorm")
ACTIVATIONS = ("silu", "gelu", "gelu_tanh")
COMPUTE_DTYPES = ("float32", "bfloat16")
PARAM_DTYPES = ("float32", "bfloat16")


@gin.configurable(module="granite_fc.models")
@dataclasses.dataclass(frozen=True)
class DecoderConfig:
    """What a decoder is made of, and how it is computed.

    The families are settings of the same fields (``gin/models/{gpt_bigcode,llama,granite}.gin``):

    * ``gpt_bigcode``: learned positions, LayerNorm, a plain GELU MLP, one key/value head, biases,
      tied embeddings.
    * ``llama``: rotary positions, RMSNorm, a gated SiLU MLP, grouped key/value heads.
    * ``granite``: ``llama`` with the four multipliers of the maximal-update parametrisation.

    Attributes:
        vocab_size: Number of token ids; every id lies in ``range(vocab_size)``.
        d_model: Width of the residual stream.
        num_layers: Number of blocks.
        num_heads: Query heads.
        num_kv_heads: Key/value heads; divides `num_heads`. 1 is multi-query attention.
        head_dim: Width of one head; even where positions are rotary.
        d_ff: Width of the MLP's inner layer.
        max_positions: Number of positions that the model is made for; the length of the table where
            positions are learned.
        positions: "rope" (rotary, no parameters) or "learned" (a table added to the embeddings).
        rope_theta: Base of the rotary wavelengths.
        rope_factor: By how much Llama 3.1's rule stretches the longest wavelengths (see
            `granite_fc.models.rope`); 1 stretches none, and the next three say nothing then.
        rope_low_freq_factor: Wavelengths of which fewer fit into `rope_original_positions` are
            stretched whole.
        rope_high_freq_factor: Those of which more fit are not stretched; more than
            `rope_low_freq_factor`.
        rope_original_positions: The positions of pretraining before rows were made longer.
        norm: "rmsnorm" (a scale) or "layernorm" (a scale and a bias).
        norm_eps: Added to the variance before the root.
        activation: "silu", "gelu" (exact) or "gelu_tanh" (its tanh approximation).
        gated_mlp: Whether the activation gates a second projection (SwiGLU) instead of standing
            alone.
        attention_bias: Whether the four attention projections carry biases.
        mlp_bias: Whether the MLP's projections carry biases.
        tie_embeddings: Whether logits are computed with the token embedding instead of a table of
            their own.
        embedding_multiplier: Token embeddings are multiplied by it.
        attention_multiplier: Attention scores are multiplied by it; None is ``head_dim ** -0.5``.
        residual_multiplier: What a sublayer adds to the residual stream is multiplied by it.
        logits_scaling: Logits are divided by it.
        embedding_dropout: Share of the embeddings' entries dropped in training.
        attention_dropout: Share of the attention weights dropped in training.
        residual_dropout: Share of a sublayer's output entries dropped in training.
        initializer_range: Standard deviation of the embeddings at initialisation, and, divided by
            ``sqrt(logits_scaling)``, of the matrices (see `granite_fc.models.initialization`).
        compute_dtype: "bfloat16" or "float32", the type of activations and of matrix products'
            operands. Norms, softmax and logits are float32 in both.
        param_dtype: "float32" or "bfloat16", the type that parameters are stored in.
        remat_policy: What the backward pass recomputes, by name (see `granite_fc.models.remat`).
        scan_layers: Whether the blocks run as one loop over stacked parameters, so that program
            size and compile time do not grow with depth, or as straight-line code. The parameter
            tree and the results are the same.
        attention: The implementation of attention, "reference" or a kernel's name (see
            `granite_fc.models.attention`), or "auto": the kernel of the platform wherever it can
            serve, which leaves out dropout of attention weights and decoding with a cache.
        attention_block: Queries per row that the reference scores at once. A longer row is computed
            block by block, and recomputed in the backward pass, so that no ``[length, length]``
            matrix of scores exists.
        loss_chunk: Positions whose logits exist at once on a device. A long row over a large
            vocabulary would otherwise hold more logits than all else together.
        vocab_multiple: The embedding tables' length is `vocab_size` rounded up to a multiple of
            this, so that they split evenly over devices. The ids added are never predicted.
        adapter: What is trained beside a frozen model (`gin/adapters/`); None trains the model
            itself.
    """

    vocab_size: int
    d_model: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    d_ff: int
    max_positions: int
    positions: str = "rope"
    rope_theta: float = 10_000.0
    rope_factor: float = 1.0
    rope_low_freq_factor: float = 1.0
    rope_high_freq_factor: float = 4.0
    rope_original_positions: int = 8192
    norm: str = "rmsnorm"
    norm_eps: float = 1e-5
    activation: str = "silu"
    gated_mlp: bool = True
    attention_bias: bool = False
    mlp_bias: bool = False
    tie_embeddings: bool = True
    embedding_multiplier: float = 1.0
    attention_multiplier: float | None = None
    residual_multiplier: float = 1.0
    logits_scaling: float = 1.0
    embedding_dropout: float = 0.0
    attention_dropout: float = 0.0
    residual_dropout: float = 0.0
    initializer_range: float = 0.02
    compute_dtype: str = "bfloat16"
    param_dtype: str = "float32"
    remat_policy: str = "none"
    scan_layers: bool = True
    attention: str = "auto"
    attention_block: int = 1024
    loss_chunk: int = 2048
    vocab_multiple: int = 1
    adapter: AdapterConfig | None = None

    def __post_init__(self) -> None:
        """Checks what can be checked without a device.

        Raises:
            ConfigurationError: If a value cannot be built.
        """
        for name in (
            "vocab_size",
            "d_model",
            "num_layers",
            "num_heads",
            "num_kv_heads",
            "head_dim",
            "d_ff",
            "max_positions",
            "rope_original_positions",
            "attention_block",
            "loss_chunk",
            "vocab_multiple",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                self._reject(name, "a positive integer")
        for name, choices in (
            ("positions", POSITIONS),
            ("norm", NORMS),
            ("activation", ACTIVATIONS),
            ("compute_dtype", COMPUTE_DTYPES),
            ("param_dtype", PARAM_DTYPES),
            ("remat_policy", tuple(REMAT_POLICIES)),
            ("attention", IMPLEMENTATIONS),
        ):
            if getattr(self, name) not in choices:
                self._reject(name, "one of " + ", ".join(repr(choice) for choice in choices))
        for name in ("embedding_dropout", "attention_dropout", "residual_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                self._reject(name, "a share in [0, 1)")
        for name in (
            "rope_theta",
            "rope_low_freq_factor",
            "norm_eps",
            "logits_scaling",
            "initializer_range",
        ):
            if not getattr(self, name) > 0.0:
                self._reject(name, "a positive number")
        if not 1.0 <= self.rope_factor < math.inf:
            self._reject("rope_factor", "a number from 1")
        if not self.rope_high_freq_factor > self.rope_low_freq_factor:
            low = f"rope_low_freq_factor = {self.rope_low_freq_factor}"
            self._reject("rope_high_freq_factor", f"more than {low}")
        if self.attention in WIDEST_HEAD:
            if self.attention_dropout > 0.0:
                self._reject("attention", "'auto' or 'reference', since kernels drop no weights")
            if self.head_dim > WIDEST_HEAD[self.attention]:
                self._reject("attention", "'auto' or 'reference', since the heads are too wide")
        if self.num_heads % self.num_kv_heads:
            self._reject("num_kv_heads", f"a divisor of num_heads = {self.num_heads}")
        if self.positions == "rope" and self.head_dim % 2:
            self._reject("head_dim", "an even number, since rotary positions turn pairs")

    def _reject(self, name: str, expected: str) -> None:
        raise ConfigurationError(
            f"DecoderConfig.{name}", found=getattr(self, name), expected=expected
        )

    @property
    def attention_scale(self) -> float:
        """What attention scores are multiplied by before the softmax."""
        if self.attention_multiplier is None:
            return self.head_dim**-0.5
        return self.attention_multiplier

    @property
    def padded_vocab_size(self) -> int:
        """Number of rows of the embedding tables."""
        return -(-self.vocab_size // self.vocab_multiple) * self.vocab_multiple
