"""The secure process as it is deployed, but for its edge: calls that no network carries, rung, keyed and ended by whoever started it.

    python -m benchmarks.lines.keyed_zone SOCKET --config FILE secure

All that follows SOCKET goes to the command line of the product. Keys come as lines on that private socket, and go to the capture as the
edge tells them: while a capture masks the call, one by one. It refuses keys on a call that no capture masks.
"""

import asyncio
import sys
import time
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from tonevault.app.cli import main as product
from tonevault.cde.edge.observer import CallInfo, CallObserver, EndReason
from tonevault.cde.edge.server import EdgeSettings, Relays
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.wills import Wills
from tonevault.cde.media import Carrier, KeyReport, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CALL, AccountId, CallId, Entropy, make_id

ACCOUNT: Final = AccountId("acme")


class KeyedCalls:
    """Calls that are answered at once, and keyed in no time. Implements the switch's side of a capture."""

    has_unfinished: Final = False
    """A stop need not wait for them."""

    def __init__(self, observer: CallObserver, clock: Clock, entropy: Entropy) -> None:
        self._observer = observer
        self._clock = clock
        self._entropy = entropy
        self._calls: dict[CallId, CallInfo] = {}
        self._masked: set[CallId] = set()

    def ring(self) -> CallId:
        """A customer calls, and an agent answers."""
        now = self._clock.utc()
        call_id = CallId(make_id(CALL, int(now.timestamp() * 1000), self._entropy))
        call = CallInfo(call_id, "support", ACCOUNT, now)
        self._observer.call_arrived(call)
        self._calls[call_id] = call.answered(now)
        self._observer.call_answered(self._calls[call_id])
        return call_id

    def key(self, call_id: CallId, keys: bytes) -> None:
        """The customer keys. Raises ValueError on a call that is not masked."""
        if call_id not in self._masked:
            raise ValueError("key: no capture takes keys on this call; start a field first")
        for character in keys:
            key = Key.from_character(character)
            self._observer.key_pressed(KeyReport(call_id, key, Carrier.EVENT, time.monotonic()))
            self._observer.key_held(call_id, Carrier.EVENT, time.monotonic())

    def hang_up(self, call_id: CallId) -> None:
        """The call ends."""
        self._masked.discard(call_id)
        ended = self._calls.pop(call_id).ended(self._clock.utc(), EndReason.CUSTOMER_HUNG_UP)
        self._observer.call_ended(ended)

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:  # noqa: ARG002
        """See MaskSwitch."""
        self._masked.add(call_id)

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        """See MaskSwitch."""

    def stop_capture(self, call_id: CallId, now: float) -> None:  # noqa: ARG002
        """See MaskSwitch."""
        self._masked.discard(call_id)


class KeyedEdge:
    """Stands where the product puts its edge; listens for keys where that listens for SIP."""

    def __init__(
        self,
        settings: EdgeSettings,  # noqa: ARG002
        *,
        path: Path,
        relays: Relays,  # noqa: ARG002
        observer: CallObserver,
        clock: Clock,
        entropy: Entropy,
        wills: Wills | None = None,  # noqa: ARG002
    ) -> None:
        self.switch = KeyedCalls(observer, clock, entropy)
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: KeyLine(self.switch), str(self._path))

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def drain(self) -> None:
        """No call keeps the process."""

    def addresses(self) -> list[tuple[Listener, int]]:
        """SIP is not spoken."""
        return []


class KeyLine(asyncio.Protocol):
    """`ring`, `key CALL KEYS` and `end CALL`, a line each; each is answered by a line, in its turn: the call, or nothing."""

    def __init__(self, calls: KeyedCalls) -> None:
        self._calls = calls
        self._begun = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        answers = b"".join(self._do(line) + b"\n" for line in lines)
        if self._transport is not None:
            self._transport.write(answers)

    def _do(self, line: bytes) -> bytes:
        match line.split():
            case [b"ring"]:
                return self._calls.ring().encode()
            case [b"key", call_id, keys]:
                self._calls.key(CallId(call_id.decode()), keys)
            case [b"end", call_id]:
                self._calls.hang_up(CallId(call_id.decode()))
            case _:
                raise ValueError("a line must be `ring`, `key CALL KEYS` or `end CALL`")
        return b""


if __name__ == "__main__":
    _, socket_path, *words = sys.argv
    with patch("tonevault.app.secure.EdgeServer", partial(KeyedEdge, path=Path(socket_path))):
        product(words)
