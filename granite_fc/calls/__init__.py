"""The domain in pure Python: function specs, calls, references between them, call graphs."""
