"""Checks the chains entry by entry, from their first to their heads and anchors: says the first entry of each that does not hold."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from tonevault.cde.audit.chain import Head
from tonevault.cde.audit.model import NO_DIGEST, link, microseconds
from tonevault.cde.schema import AUDIT_CHAIN, AUDIT_ENTRY

BATCH: Final = 2_000
"""Entries in memory at once."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a chain does not hold: `number` is the first entry that is not as it was written, and `reason` says how that shows."""

    chain: str
    number: int
    reason: str


@dataclass(slots=True)
class Verdict:
    """What a check found: how many entries hold, what does not, and which of the digests asked for stand in no chain."""

    entries: int = 0
    chains: int = 0
    broken: list[Broken] = field(default_factory=list)
    unseen: set[bytes] = field(default_factory=set)


def check(connection: Connection, anchors: Mapping[str, Head], seen: Collection[bytes] = ()) -> Verdict:
    """Check every chain. `anchors` are heads that were held outside the database, `seen` digests that somebody noted elsewhere.

    Run it on a connection that sees one state of the database from beginning to end.
    """
    heads = {row.chain: Head(row.number, row.digest) for row in connection.execute(select(AUDIT_CHAIN))}
    verdict = Verdict(unseen=set(seen))
    walks = {chain: _Walk(chain, heads.get(chain), anchors.get(chain)) for chain in {*heads, *anchors}}
    for row in _entries(connection):
        walk = walks.get(row.chain)
        if walk is None:
            walk = walks[row.chain] = _Walk(row.chain, None, None)
        walk.step(row)
        verdict.entries += 1
        verdict.unseen.discard(row.digest)
    for _, walk in sorted(walks.items()):
        walk.finish()
        verdict.chains += 1
        if walk.broken is not None:
            verdict.broken.append(walk.broken)
    return verdict


def _entries(connection: Connection) -> Iterator[Row[Any]]:
    wanted = select(AUDIT_ENTRY).order_by(AUDIT_ENTRY.c.chain, AUDIT_ENTRY.c.number)
    yield from connection.execute(wanted.execution_options(yield_per=BATCH))


class _Walk:
    """One chain, entry by entry. What follows the first break is not judged."""

    def __init__(self, chain: str, head: Head | None, anchor: Head | None) -> None:
        self.broken: Broken | None = None
        self._chain = chain
        self._head = head
        self._anchor = anchor
        self._at = Head(0, NO_DIGEST)

    def step(self, row: Row[Any]) -> None:
        if self.broken is not None:
            return
        expected = self._at.number + 1
        if row.number != expected:
            self._break(expected, "is missing")
            return
        digest = link(
            self._at.digest,
            self._chain,
            row.number,
            at_us=microseconds(row.at),
            account=row.account_id,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            detail=row.detail,
        )
        if digest != row.digest:
            self._break(expected, "was changed, or others before it were taken out")
        elif self._head is None or row.number > self._head.number:
            self._break(
                expected, "stands beyond the head of its chain: it was put in, or the head was put back"
            )
        elif self._anchor is not None and row.number == self._anchor.number and digest != self._anchor.digest:
            self._break(expected, "is not what this node wrote there: the chain was written anew")
        self._at = Head(row.number, digest)

    def finish(self) -> None:
        """The chain is at its end: does it reach its head and its anchor?"""
        if self.broken is not None:
            return
        missing = self._at.number + 1
        if self._head is None:
            self._break(missing, "and the head of the chain are gone")
        elif self._head.number > self._at.number:
            self._break(missing, f"is missing, and whatever followed up to {self._head.number}")
        elif self._head.digest != self._at.digest:
            self._break(self._at.number, "is not the one that the head of the chain names")
        elif self._anchor is not None and self._anchor.number > self._at.number:
            self._break(
                missing,
                f"is missing: this node had written up to {self._anchor.number}; the chain was cut short, "
                "or an older state of the database was restored",
            )

    def _break(self, number: int, reason: str) -> None:
        self.broken = Broken(self._chain, number, reason)
