"""The vault: tokens for cards, the cards sealed under keys that the custody wraps."""
