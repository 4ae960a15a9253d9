"""granite_fc: trains decoder language models to call functions, one skill at a time."""

__version__ = "0.1.0"
