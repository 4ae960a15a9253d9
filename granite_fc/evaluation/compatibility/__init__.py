"""Published scorers as they are, faults included, so that numbers can be set beside theirs.

Nothing here is a good measure: `granite_fc.evaluation.metrics` has those. Each file names the
faults of what it reproduces, and its scores carry them along.
"""
