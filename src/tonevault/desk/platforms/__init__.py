"""Adapters of the platform port."""
