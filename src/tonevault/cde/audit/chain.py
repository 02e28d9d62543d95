"""Writes a transaction's entries onto the end of its writer's chain: one update of the head, one insert for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sqlalchemy import Connection, bindparam, select, update

from tonevault.cde.audit.model import EVERY_ACCOUNT, NO_DIGEST, Entry, link, microseconds
from tonevault.cde.schema import AUDIT_CHAIN, AUDIT_ENTRY
from tonevault.plumbing.bulk import add_rows, add_rows_if
from tonevault.plumbing.insert import insert_if_absent

DEFAULT_NODE: Final = "secure"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the number and digest of its last entry."""

    number: int
    digest: bytes


class Anchor(Protocol):
    """Keeps the heads of chains outside the database, so that a chain cut short or put back is seen."""

    def hold(self, chain: str, head: Head) -> None:
        """The chain has durably come to `head`."""


class Chains:
    """The chains of one node: one for each writer of its database, so that no two transactions wait for one head."""

    def __init__(self, node: str = DEFAULT_NODE, anchor: Anchor | None = None) -> None:
        """`node` names this process among those on one database, the same after each restart."""
        self._node = node
        self._anchor = anchor
        self._heads: dict[str, Head] = {}
        self._drafts: dict[str, Head] = {}

    def write(self, connection: Connection, writer: str, rows: Sequence[Entry]) -> None:
        """See AtCommit."""
        chain = f"{self._node}.{writer}"
        head = self._heads.get(chain)
        if head is None:
            head = _open(connection, chain)
        links, new_head = self._linked(chain, head, rows)
        if not _append(connection, chain, (head, new_head), links):
            # Another process of this node, such as a command, has written meanwhile: go on from there.
            links, new_head = self._linked(chain, head := _read_locked(connection, chain), rows)
            if not _append(connection, chain, (head, new_head), links):
                raise RuntimeError("the head of an audit chain changed while it was locked")
        self._drafts[chain] = new_head

    def committed(self, writer: str) -> None:
        """See AtCommit."""
        chain = f"{self._node}.{writer}"
        self._heads[chain] = head = self._drafts.pop(chain)
        if self._anchor is not None:
            self._anchor.hold(chain, head)

    def _linked(
        self, chain: str, head: Head, entries: Sequence[Entry]
    ) -> tuple[list[dict[str, object]], Head]:
        rows: list[dict[str, object]] = []
        number, digest = head.number, head.digest
        for entry in entries:
            number += 1
            actor, detail = entry.actor or self._node, entry.detail_text()
            digest = link(
                digest,
                chain,
                number,
                at_us=microseconds(entry.at),
                account=entry.account,
                actor=actor,
                action=entry.action.value,
                subject=entry.subject,
                detail=detail,
            )
            rows.append(
                {
                    "account_id": entry.account,
                    "chain": chain,
                    "number": number,
                    "at": entry.at,
                    "actor": actor,
                    "action": entry.action.value,
                    "subject": entry.subject,
                    "detail": detail,
                    "digest": digest,
                }
            )
        return rows, Head(number, digest)


def _open(connection: Connection, chain: str) -> Head:
    values = {"account_id": EVERY_ACCOUNT, "chain": chain, "number": 0, "digest": NO_DIGEST}
    if insert_if_absent(connection, AUDIT_CHAIN, values):
        return Head(0, NO_DIGEST)
    return _read_locked(connection, chain)


def _read_locked(connection: Connection, chain: str) -> Head:
    wanted = select(AUDIT_CHAIN.c.number, AUDIT_CHAIN.c.digest).where(
        AUDIT_CHAIN.c.account_id == EVERY_ACCOUNT, AUDIT_CHAIN.c.chain == chain
    )
    row = connection.execute(wanted.with_for_update()).one()
    return Head(row.number, row.digest)


_ADVANCE: Final = update(AUDIT_CHAIN).where(
    AUDIT_CHAIN.c.account_id == EVERY_ACCOUNT,
    AUDIT_CHAIN.c.chain == bindparam("of_chain"),
    AUDIT_CHAIN.c.number == bindparam("old_number"),
    AUDIT_CHAIN.c.digest == bindparam("old_digest"),
)
_ADVANCE_IN_PLACE: Final = (
    "UPDATE audit_chain SET number = {4}::bigint, digest = {5}::bytea WHERE account_id = {0}::varchar "
    "AND chain = {1}::varchar AND number = {2}::bigint AND digest = {3}::bytea RETURNING 1"
)
"""The same with the entries in one statement: a round trip less in every commit."""


def _append(
    connection: Connection, chain: str, heads: tuple[Head, Head], links: list[dict[str, object]]
) -> bool:
    """Move the head and add the entries, or do neither where somebody else has moved it."""
    old, new = heads
    if connection.dialect.name == "postgresql":
        given = (EVERY_ACCOUNT, chain, old.number, old.digest, new.number, new.digest)
        return add_rows_if(connection, AUDIT_ENTRY, links, _ADVANCE_IN_PLACE, given)
    given_names = {"of_chain": chain, "old_number": old.number, "old_digest": old.digest}
    moved = connection.execute(_ADVANCE, given_names | {"number": new.number, "digest": new.digest})
    if moved.rowcount == 1:
        add_rows(connection, AUDIT_ENTRY, links)
    return moved.rowcount == 1
