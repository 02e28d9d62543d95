"""The control connection to a baresip phone (module ctrl_tcp): commands out, events in, as JSON in netstrings."""

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass

from tests.e2e.peers.event_log import EventLog
from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.ports import LOOPBACK

_CONNECT_TIMEOUT_S = 2.0
_COMMAND_TIMEOUT_S = 3.0

# ctrl_tcp sends nothing near this; a longer netstring means that the stream is not what it should be.
_LONGEST_MESSAGE = 65_536


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """One event of the phone. `kind` is baresip's type, such as CALL_ESTABLISHED; `at` is time.monotonic()."""

    kind: str
    at: float
    call_id: str
    peer_uri: str
    detail: str

    def __repr__(self) -> str:
        """Without the detail, which for a DTMF event is the digit."""
        return f"PhoneEvent({self.kind})"


def _event(message: dict[str, object]) -> PhoneEvent:
    def text(name: str) -> str:
        value = message.get(name, "")
        return value if isinstance(value, str) else ""

    return PhoneEvent(text("type"), time.monotonic(), text("id"), text("peeruri"), text("param"))


class ControlConnection:
    """Sends commands to the phone and keeps its events."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), _CONNECT_TIMEOUT_S)
        self._socket.settimeout(None)
        self.events: EventLog[PhoneEvent] = EventLog()
        self._answers: dict[str, tuple[bool, str]] = {}
        self._last_token = 0
        self._reader = threading.Thread(target=self._read, name=f"baresip-control-{port}", daemon=True)
        self._reader.start()

    def command(self, name: str, parameters: str | None = None) -> str:
        """Runs one of baresip's long commands and returns what it printed. A refusal is a PeerError."""
        self._last_token += 1
        token = str(self._last_token)
        message = {"command": name, "token": token}
        if parameters is not None:
            message["params"] = parameters
        body = json.dumps(message).encode()
        self._socket.sendall(b"%d:%s," % (len(body), body))
        self.events.wait_until(lambda: token in self._answers, _COMMAND_TIMEOUT_S)
        ok, data = self._answers.pop(token, (False, ""))
        if not ok:
            raise PeerError(f"baresip did not carry out the command {name}")
        return data

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._reader.join(_COMMAND_TIMEOUT_S)

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                received = self._socket.recv(_LONGEST_MESSAGE)
            except OSError:
                received = b""
            if not received:
                break
            buffer = self._take_messages(buffer + received)
        self.events.close()

    def _take_messages(self, buffer: bytes) -> bytes:
        """Handles each whole netstring ("12:{...},") and returns the rest."""
        while True:
            length, colon, rest = buffer.partition(b":")
            if not colon or len(rest) < int(length) + 1:
                return buffer
            self._handle(json.loads(rest[: int(length)]))
            buffer = rest[int(length) + 1 :]

    def _handle(self, message: dict[str, object]) -> None:
        if message.get("event"):
            self.events.add(_event(message))
        else:
            self._answers[str(message.get("token"))] = (bool(message.get("ok")), str(message.get("data")))
            self.events.notify()
