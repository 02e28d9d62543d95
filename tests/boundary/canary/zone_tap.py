"""Everything that crosses the narrow interface: stands in for the secure process's socket, passes all on, and keeps a copy."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

from tests.e2e.peers.browser_traffic import Exhibit

_BYTES: Final = 65_536
_JOIN_S: Final = 5.0


class ZoneTap:
    """Moves the secure process's socket aside and listens at its address. Connections that stand already are not heard: let the
    desk connect anew after `insert`. `withdraw` before the secure process is started again, or it would find its address taken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._aside = path.with_name(f"{path.name}.real")
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._heard: list[tuple[str, bytearray]] = []

    def insert(self) -> None:
        """From now on new connections pass through here."""
        self.path.rename(self._aside)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._begin(self._accept, self._listener)

    def withdraw(self) -> None:
        """Break every connection and leave the address as it was."""
        if self._listener is None:
            return
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._listener = None
        self._open.clear()
        for thread in self._threads:
            thread.join(_JOIN_S)
        self._threads.clear()
        self.path.unlink(missing_ok=True)
        if self._aside.exists():
            self._aside.rename(self.path)

    def exhibits(self) -> list[Exhibit]:
        """Each direction of each connection so far."""
        return [Exhibit(f"narrow interface, {way}", bytes(content)) for way, content in self._heard]

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="zone-tap", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                desk, _ = listener.accept()
            except OSError:
                return
            secure = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                secure.connect(str(self._aside))
            except OSError:
                desk.close()
                secure.close()
                continue
            self._open += [desk, secure]
            self._begin(self._pass_on, desk, secure, "from the desk")
            self._begin(self._pass_on, secure, desk, "from the secure zone")

    def _pass_on(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        copy = bytearray()
        self._heard.append((way, copy))
        with contextlib.suppress(OSError):
            while content := source.recv(_BYTES):
                copy += content
                sink.sendall(content)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
