"""Follows the desk's event stream as a merchant's program does: in order, resumed after a break, waited on by type."""

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.peers.event_log import EventLog

# What the follower waits before it connects again; the stream itself asks for no more than a second.
_RETRY_S = 0.1

# The stream says at least every five seconds that it is still here.
_SILENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class HouseEvent:
    """One event of `/v1/events/stream`; `kind` is its type, `data` the thing itself as the API shows it."""

    kind: str
    id: str | None
    data: dict[str, Any]


class EventFollower:
    """Listens from its making until `stop`, in a thread of its own."""

    def __init__(self, base_url: str, key: str) -> None:
        self._log: EventLog[HouseEvent] = EventLog()
        self._raw: list[str] = []
        self._last_id = ""
        self._open = threading.Event()
        self._stopping = threading.Event()
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(5.0, read=_SILENCE_S),
        )
        self._thread = threading.Thread(target=self._follow, name="house-events", daemon=True)
        self._thread.start()
        if not self._open.wait(10):
            raise AssertionError("the event stream did not open within 10 s")

    @property
    def all(self) -> list[HouseEvent]:
        """Every event so far."""
        return self._log.all

    @property
    def raw(self) -> str:
        """Every line so far, as it came over HTTP."""
        return "\n".join(self._raw)

    def wait_for(self, *kinds: str, timeout_s: float = 10.0) -> HouseEvent:
        """The next event of one of the types, each returned once, so one that came before the wait is not missed."""
        event = self._log.wait_for(kinds, timeout_s)
        if event is None:
            raise AssertionError(
                f"no event {' or '.join(kinds)} within {timeout_s:g} s; came: {self._kinds()}"
            )
        return event

    def wait_until(
        self, what: str, ready: Callable[[list[HouseEvent]], bool], timeout_s: float = 10.0
    ) -> None:
        """Waits until `ready` is true of all events so far."""
        if not self._log.wait_until(lambda: ready(self._log.all), timeout_s):
            raise AssertionError(f"no {what} within {timeout_s:g} s; came: {self._kinds()}")

    def ending(self) -> None:
        """The desk is about to stop, which ends the stream: do not connect again."""
        self._stopping.set()

    def close(self) -> None:
        """After the desk has stopped: without it the thread would wait for the next line."""
        self._stopping.set()
        self._thread.join(_SILENCE_S + 1)
        self._client.close()

    def _kinds(self) -> list[str]:
        return [one.kind for one in self._log.all]

    def _follow(self) -> None:
        while not self._stopping.is_set():
            # The desk died or was stopped: durable events that are missed now are sent again on resuming.
            with contextlib.suppress(httpx.TransportError):
                self._listen()
            self._stopping.wait(_RETRY_S)

    def _listen(self) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        with self._client.stream("GET", "/v1/events/stream", headers=headers) as stream:
            if stream.status_code != httpx.codes.OK:
                return
            for line in stream.iter_lines():
                self._raw.append(line)
                self._open.set()
                if line.startswith("data: "):
                    self._take(json.loads(line.removeprefix("data: ")))
                if self._stopping.is_set():
                    return

    def _take(self, event: dict[str, Any]) -> None:
        self._last_id = event["id"] or self._last_id
        self._log.add(HouseEvent(event["type"], event["id"], event["data"]))
