"""Measurements of the trainer, each a module to run."""
