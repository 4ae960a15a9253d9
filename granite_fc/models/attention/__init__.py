"""Causal attention within segments: one reference implementation and kernels that equal it."""

from granite_fc.models.attention.choose import IMPLEMENTATIONS, WIDEST_HEAD, attention

__all__ = ["IMPLEMENTATIONS", "WIDEST_HEAD", "attention"]
