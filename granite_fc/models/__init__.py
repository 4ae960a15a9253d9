"""The decoder and its three families; logical axes only, no mesh."""
