"""The test's side of SIPp's 3PCC connection: SIPp connects here, reports its call and takes commands for it."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

from tests.e2e.peers.event_log import EventLog
from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.ports import LOOPBACK

# SIPp ends each 3PCC message with ESC (socket.cpp).
_END = b"\x1b"

_READ_BYTES = 65_536
_JOIN_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class SippEvent:
    """One report of a scenario: `kind` as written in the scenario file, `detail` such as a status code."""

    kind: str
    at: float
    call_id: str
    detail: str


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.replace("\r\n", "\n").split("\n"))
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


class SippControl:
    """Listens for one SIPp, keeps its events, and sends commands to the call that reported last."""

    def __init__(self, port: int) -> None:
        self.events: EventLog[SippEvent] = EventLog()
        self._listener = socket.create_server((LOOPBACK, port))
        self._connection: socket.socket | None = None
        self._reader = threading.Thread(target=self._serve, name=f"sipp-control-{port}", daemon=True)
        self._reader.start()

    def command(self, verb: str, **arguments: str) -> None:
        """Tells the latest call to do something; `arguments` become header lines such as `Key: 5`."""
        events = self.events.all
        if self._connection is None or not events:
            raise PeerError(f"SIPp has no call that could {verb}")
        lines = [f"Call-ID: {events[-1].call_id}", f"Verb: {verb}"]
        lines += [f"{name.capitalize()}: {value}" for name, value in arguments.items()]
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode() + _END)

    def close(self) -> None:
        for one in (self._connection, self._listener):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._reader.join(_JOIN_TIMEOUT_S)

    def _serve(self) -> None:
        try:
            self._connection, _ = self._listener.accept()
        except OSError:
            return
        buffer = b""
        while True:
            try:
                received = self._connection.recv(_READ_BYTES)
            except OSError:
                break
            if not received:
                break
            *messages, buffer = (buffer + received).split(_END)
            for message in messages:
                self._take(message.decode("utf-8", "replace"))
        self.events.close()

    def _take(self, text: str) -> None:
        fields = _fields(text)
        kind, _, detail = fields.get("Event", "aborted").partition(" ")
        self.events.add(SippEvent(kind, time.monotonic(), fields.get("Call-ID", ""), detail))
