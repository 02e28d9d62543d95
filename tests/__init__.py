"""Tonevault's tests."""
