"""Whole calls through the relay, in simulated time and through real workers."""
