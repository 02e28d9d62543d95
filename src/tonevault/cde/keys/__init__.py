"""The life of keys: ceremonies that need two people, rotation, re-wrapping, re-keying, retirement and shredding (PCI DSS 3.6, 3.7)."""
