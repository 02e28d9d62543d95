"""The whole product under a life of its own for minutes or hours, and the proof that nothing of it grows."""
