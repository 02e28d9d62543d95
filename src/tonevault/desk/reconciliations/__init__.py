"""Reconciliations: what the secure zone found when it compared our books with the gateways' own lists."""
