"""Starts runs: on TPU slices, on a cluster, or as several processes on one machine."""
