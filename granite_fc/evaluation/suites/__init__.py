"""Public benchmarks: their items, their gold answers and matchers of our own."""
