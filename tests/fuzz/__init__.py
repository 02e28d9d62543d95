"""Hostile input by the million: mutated and generated messages for everything that reads what a peer sent. `python -m tests.fuzz`."""
