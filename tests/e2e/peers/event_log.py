"""The events of one peer in their order, waited for by kind and without sleeping."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Event(Protocol):
    """What a peer reports: its kind is what a test waits for."""

    @property
    def kind(self) -> str: ...


Kind = TypeVar("Kind", bound=Event)


class EventLog(Generic[Kind]):
    """Appended to by the peer's reader thread, waited on by the test. Each wait consumes the event it returns."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._events: list[Kind] = []
        self._consumed: dict[str, int] = {}
        self._closed = False

    @property
    def all(self) -> list[Kind]:
        """Every event so far, consumed or not."""
        with self._changed:
            return list(self._events)

    @property
    def closed(self) -> bool:
        return self._closed

    def add(self, event: Kind) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def close(self) -> None:
        """The peer is gone: nobody needs to wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Waits until `ready`, which is asked after every event; False when the peer has gone or the time is up."""
        with self._changed:
            self._changed.wait_for(lambda: ready() or self._closed, timeout_s)
            return ready()

    def notify(self) -> None:
        """Something other than an event has changed: have `wait_until` look again."""
        with self._changed:
            self._changed.notify_all()

    def forget(self) -> None:
        """Begins anew: what has happened so far has not."""
        with self._changed:
            self._events.clear()
            self._consumed.clear()

    def wait_for(self, kinds: str | tuple[str, ...], timeout_s: float) -> Kind | None:
        """The next event of one of the kinds that no wait has returned yet; None when the time is up."""
        wanted = (kinds,) if isinstance(kinds, str) else kinds
        self.wait_until(lambda: self._next_of(wanted) is not None, timeout_s)
        with self._changed:
            event = self._next_of(wanted)
            if event is not None:
                self._consumed[event.kind] = self._consumed.get(event.kind, 0) + 1
        return event

    def _next_of(self, kinds: tuple[str, ...]) -> Kind | None:
        passed = dict(self._consumed)
        for event in self._events:
            if event.kind not in kinds:
                continue
            if passed.get(event.kind, 0) > 0:
                passed[event.kind] -= 1
                continue
            return event
        return None
