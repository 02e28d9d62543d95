"""Adapters of the gateway port, alike in shape; none knows another."""
