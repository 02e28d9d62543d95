"""Adapters of the key custody port, one file each."""
