"""Grammars of answers: what a model may write, and nothing else."""
