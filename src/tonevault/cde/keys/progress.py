"""How far long work on keys is, told to whoever watches."""

from typing import Protocol


class Progress(Protocol):
    """Called after each batch, from the event loop."""

    def __call__(self, done: int, whole: int) -> None:
        """So many of so many; `whole` may grow a little while the vault serves."""


def unwatched(done: int, whole: int) -> None:
    """Nobody watches."""
