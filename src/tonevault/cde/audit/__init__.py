"""The secure zone's audit log: who did what to which card or key, in hash chains that only grow (PCI DSS 10.2, 10.3)."""
