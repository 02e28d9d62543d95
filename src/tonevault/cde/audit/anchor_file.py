"""The heads of this node's chains in a file beside the database: a chain that is cut short or written anew no longer fits it."""

import os
import time
from pathlib import Path
from typing import Final

from tonevault.cde.audit.chain import Head
from tonevault.plumbing.log import get_logger

SLOT: Final = 256
"""Bytes of a chain's place: its name, its number and its digest, in one write that is whole or not at all."""
LOG_INTERVAL_S: Final = 600.0
"""How often a head goes into the log, which lies elsewhere where logs are shipped: an anchor that no file of this node can undo."""

log = get_logger(__name__)


class AnchorFile:
    """Implements Anchor. Written after each commit and not waited for: after a power cut it may lag behind, never lead."""

    def __init__(self, path: Path) -> None:
        """Opened, or made, for the life of the process."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._places = {chain: place for place, (chain, _) in enumerate(_slots(path))}
        self._logged: dict[str, float] = {}

    def hold(self, chain: str, head: Head) -> None:
        """See Anchor."""
        place = self._places.setdefault(chain, len(self._places))
        line = f"{chain} {head.number} {head.digest.hex()}"
        try:
            os.pwrite(self._file, line.encode().ljust(SLOT - 1) + b"\n", place * SLOT)
        except OSError as error:
            # What is committed stays committed, and its callers are told so; the anchor lags behind until it can be written.
            log.error("a head could not be held", chain=chain, reason=error.strerror)  # noqa: TRY400
        now = time.monotonic()
        if now - self._logged.get(chain, -LOG_INTERVAL_S) >= LOG_INTERVAL_S:
            self._logged[chain] = now
            log.info("audit chain", chain=chain, head=in_letters(head.digest))

    def close(self) -> None:
        """The file stays for the next process."""
        os.close(self._file)


def read_anchors(path: Path) -> dict[str, Head]:
    """The heads that a node held; none where there is no file. Raises ValueError for a file that is damaged."""
    return dict(_slots(path))


def _slots(path: Path) -> list[tuple[str, Head]]:
    if not path.exists():
        return []
    slots = []
    for line in path.read_text("ascii", "replace").splitlines():
        try:
            chain, number, digest = line.split()
            slots.append((chain, Head(int(number), bytes.fromhex(digest))))
        except ValueError:
            raise ValueError(
                f"{path.name} is damaged; compare the heads in the log, then move the file away"
            ) from None
    return slots


def in_letters(digest: bytes) -> str:
    """A digest as letters a to p, two a byte: the log strikes out long runs of digits."""
    return digest.hex().translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))


def from_letters(text: str) -> bytes:
    """The digest of `in_letters`. Raises ValueError."""
    digest = bytes.fromhex(text.translate(str.maketrans("abcdefghijklmnop", "0123456789abcdef")))
    if len(digest) != 32:
        raise ValueError("a head has 64 letters from a to p, as the log shows it")
    return digest
