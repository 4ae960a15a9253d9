"""The page of `granite-fc evaluate`."""
