"""Data sets as canonical episodes."""
