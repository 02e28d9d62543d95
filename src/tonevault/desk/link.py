"""Whether the secure zone is there: set by the one who follows its notices, read by whoever must act on its silence."""

from tonevault.kernel.clock import Clock


class SecureLink:
    """Down until the first connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._down_since: float | None = clock.monotonic()

    @property
    def is_up(self) -> bool:
        """Whether notices flow."""
        return self._down_since is None

    def came_up(self) -> None:
        """Notices flow."""
        self._down_since = None

    def went_down(self) -> None:
        """They have stopped; the silence counts from the first time that this is said."""
        if self._down_since is None:
            self._down_since = self._clock.monotonic()

    def silent_for(self) -> float:
        """Seconds since notices stopped, 0 while they flow."""
        return 0.0 if self._down_since is None else self._clock.monotonic() - self._down_since
