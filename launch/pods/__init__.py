"""Launches runs on TPU slices and GPU clusters, with Python's standard library alone."""
