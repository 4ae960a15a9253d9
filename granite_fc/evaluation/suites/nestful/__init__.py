"""NESTFUL: nested sequences of calls.

Basu et al., NESTFUL: A Benchmark for Evaluating LLMs on Nested Sequences of API Calls, arXiv
2409.03797; version 1 from https://github.com/IBM/NESTFUL, version 2 as a file in the form of
`ibm-research/nestful`.
"""
