"""From a cache of tokenised examples to packed batches that are a pure function of (seed, step)."""
