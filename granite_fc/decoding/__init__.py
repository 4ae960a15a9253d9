"""Text from a model: key-value cache and decoding loop."""
