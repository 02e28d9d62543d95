"""Calls as the secure zone reports them, each with the customer who is on it."""
