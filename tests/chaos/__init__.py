"""Chaos: secure processes that are killed at random moments over rough gateways, and the count of what went wrong with the money."""
