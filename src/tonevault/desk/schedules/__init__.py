"""Recurring charges on a token: when each is due, what is tried again, and when to stop."""
