"""Secrets by reference: where a password or a key of the configuration really lies, and how it is fetched. Holds none itself."""
