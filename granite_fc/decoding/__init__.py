"""Text from a model: requests, an engine that answers them, and what answers may be."""
