"""Charging: an attempt is written down before it leaves, and what falls silent is settled by looking it up."""
