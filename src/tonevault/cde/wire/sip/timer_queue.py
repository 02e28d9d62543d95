"""Many timers in one heap: set, move and cancel in logarithmic time, popped in order of their time."""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_SLACK = 64
"""Cancelled entries tolerated in the heap before it is rebuilt, so that small queues never rebuild."""


class TimerQueue(Generic[K]):
    """One pending time, in seconds, for each key."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._live: dict[K, int] = {}
        self._serial = 0

    def set(self, key: K, when: float) -> None:
        """Let this key be due at `when`, whatever was set for it before."""
        self._serial += 1
        self._live[key] = self._serial
        heapq.heappush(self._heap, (when, self._serial, key))
        if len(self._heap) > 2 * len(self._live) + _SLACK:
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapq.heapify(self._heap)

    def cancel(self, key: K) -> None:
        """Forget this key; nothing happens when it is not set."""
        self._live.pop(key, None)

    def next(self) -> float | None:
        """The earliest time set; None when nothing is."""
        while self._heap and not self._is_live(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> K | None:
        """Take the earliest key that is due at `now`; None when there is none."""
        earliest = self.next()
        if earliest is None or earliest > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._live[key]
        return key

    def __len__(self) -> int:
        return len(self._live)

    def _is_live(self, entry: tuple[float, int, K]) -> bool:
        return self._live.get(entry[2]) == entry[1]
