"""The domain: function specifications, calls, references between calls, call graphs. Pure Python."""
