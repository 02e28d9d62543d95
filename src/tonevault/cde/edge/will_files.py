"""Wills as files, one a call, in a folder of the secure zone. They hold signalling addresses and no body."""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tonevault.cde.edge.wills import Farewell
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.kernel.ids import CALL, CallId, is_id
from tonevault.plumbing.log import get_logger

MAX_WILLS: Final = 100_000
"""More calls than one node carries: whatever else lies in the folder, the start is not held up by it."""

log = get_logger(__name__)


class WillFiles:
    """A process that is killed leaves its files behind; the page cache keeps them, so nothing waits for the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)

    def write(self, call_id: CallId, farewells: Sequence[Farewell]) -> None:
        """See Wills."""
        lines = [
            {
                "transport": each.peer.transport.value,
                "host": each.peer.host,
                "port": each.peer.port,
                "bye": each.request.encode().decode("utf-8", "surrogateescape"),
            }
            for each in farewells
        ]
        try:
            # One write into the page cache: a kill leaves the whole of it or nothing.
            will = os.open(f"{self._folder}/{call_id}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(will, json.dumps(lines).encode())
            finally:
                os.close(will)
        except OSError as error:
            log.warning("a call's will could not be kept", call=call_id, error=type(error).__name__)

    def burn(self, call_id: CallId) -> None:
        """See Wills."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self._folder}/{call_id}")  # noqa: PTH108 - a Path costs more than the file

    def open_all(self) -> list[tuple[CallId, list[Farewell]]]:
        """See Wills. A file that cannot be read is dropped: its call is over in any case."""
        found = []
        for path in sorted(self._folder.iterdir())[:MAX_WILLS]:
            if not is_id(path.name, CALL):
                path.unlink(missing_ok=True)
                continue
            try:
                found.append((CallId(path.name), [_farewell(each) for each in json.loads(path.read_text())]))
            except (OSError, ValueError, KeyError, TypeError, SipParseError) as error:
                log.warning("a call's will could not be read", call=path.name, error=type(error).__name__)
                path.unlink(missing_ok=True)
        return found


def _farewell(line: dict[str, object]) -> Farewell:
    message = parse_message(str(line["bye"]).encode("utf-8", "surrogateescape"))
    if not isinstance(message, Request):
        raise TypeError("a will holds requests")
    return Farewell(Peer(Transport(line["transport"]), str(line["host"]), int(str(line["port"]))), message)
