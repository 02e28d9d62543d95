"""What the life of keys refuses: one small tree. Each message has what was wrong and the way out."""


class KeyActRefusedError(Exception):
    """An act on keys cannot be done."""


class CeremonyRefusedError(KeyActRefusedError):
    """A ceremony cannot go on: who asks, what for, or when does not fit. Nothing was done."""
