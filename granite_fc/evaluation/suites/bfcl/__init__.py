"""The Berkeley Function Calling Leaderboard (BFCL), its single-turn categories.

Patil et al., The Berkeley Function Calling Leaderboard (ICML 2025); data from the PyPI package
`bfcl-eval`. The matcher is written from the published rules, not from the package's code.
"""
