"""Checkpoints: saved, kept and restored with Orbax."""
