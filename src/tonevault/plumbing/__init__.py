"""What both zones stand on: SQL, settings, logging, metrics, the wall clock. Knows nothing of cards or merchants."""
