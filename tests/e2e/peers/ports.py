"""Blocks of free loopback ports, each held by one test peer so that parallel test runs never collide."""

import random
import socket
from dataclasses import dataclass, field

from tests.e2e.peers.failure import PeerError

LOOPBACK = "127.0.0.1"

# Below Linux's ephemeral range (32768 and up), so that no outgoing connection can take a port of a block.
_FIRST_PORT = 20_000
_LAST_PORT = 32_000
BLOCK_SIZE = 50

# The last port of a block is its claim: whoever listens on it owns the block, also across processes.
_CLAIM_OFFSET = BLOCK_SIZE - 1

# RTP takes the upper part of a block: 16 even ports, enough for a phone's calls and re-INVITEs.
_RTP_OFFSET = 16
_RTP_COUNT = 32


@dataclass(slots=True)
class PortBlock:
    """Fifty ports from `base` on; the first sixteen for signalling and control, then an RTP range."""

    base: int
    _claim: socket.socket = field(repr=False)

    def port(self, offset: int) -> int:
        """The port at `offset` (0 to 15) of the block."""
        if not 0 <= offset < _RTP_OFFSET:
            raise ValueError(f"offset must be below {_RTP_OFFSET}")
        return self.base + offset

    @property
    def rtp_ports(self) -> range:
        """The ports that the peer's RTP and RTCP may use; no one else uses them while the block is held."""
        return range(self.base + _RTP_OFFSET, self.base + _RTP_OFFSET + _RTP_COUNT)

    def release(self) -> None:
        self._claim.close()


def _claimed(base: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        claim.bind((LOOPBACK, base + _CLAIM_OFFSET))
        claim.listen(1)
    except OSError:
        claim.close()
        return None
    return claim


def _all_free(base: int) -> bool:
    for port in range(base, base + _CLAIM_OFFSET):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
                try:
                    probe.bind((LOOPBACK, port))
                except OSError:
                    return False
    return True


def claim_block() -> PortBlock:
    """A block of free ports, held until `release` or the end of the process."""
    bases = list(range(_FIRST_PORT, _LAST_PORT, BLOCK_SIZE))
    random.shuffle(bases)
    for base in bases:
        claim = _claimed(base)
        if claim is None:
            continue
        if _all_free(base):
            return PortBlock(base, claim)
        claim.close()
    raise PeerError(f"no {BLOCK_SIZE} free ports in a row between {_FIRST_PORT} and {_LAST_PORT}")
