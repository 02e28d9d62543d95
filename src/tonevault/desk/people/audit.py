"""The audit log: append-only, numbered without gaps, each entry chained to the last by a keyed digest (PCI DSS 10.3)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.schema import AUDIT_ENTRY, SERIES
from tonevault.desk.series import AUDIT, NO_DIGEST, leave_digest, next_number
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who (`actor`) did what (`action`) to what (`subject`). `detail` holds words of our own, never a request's text."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, str]


class AuditLog:
    """Appends in the transaction of the act itself: what is not logged has not happened."""

    def __init__(self, digests: KeyedDigest, clock: Clock) -> None:
        self._digests = digests
        self._clock = clock

    def append(
        self,
        connection: Connection,
        account_id: AccountId,
        actor: str,
        action: str,
        *,
        subject: str,
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Add one entry at the end of the account's chain."""
        number, previous = next_number(connection, account_id, AUDIT)
        entry = AuditEntry(number, self._clock.utc(), actor, action, subject, dict(detail or {}))
        digest = self._digest(account_id, entry, previous)
        connection.execute(
            insert(AUDIT_ENTRY).values(
                account_id=account_id,
                number=number,
                at=entry.at,
                actor=actor,
                action=action,
                subject=subject,
                detail=json.dumps(entry.detail, sort_keys=True),
                digest=digest,
            )
        )
        leave_digest(connection, account_id, AUDIT, digest)

    def entries(
        self, connection: Connection, account_id: AccountId, after: int, limit: int
    ) -> list[AuditEntry]:
        """Entries in their order, from the one after number `after`."""
        rows = connection.execute(
            select(AUDIT_ENTRY)
            .where(AUDIT_ENTRY.c.account_id == account_id, AUDIT_ENTRY.c.number > after)
            .order_by(AUDIT_ENTRY.c.number)
            .limit(limit)
        )
        return [_read(row) for row in rows]

    def first_broken(self, connection: Connection, account_id: AccountId) -> int | None:
        """The number of the first entry that was changed, taken out or put in; None where the chain holds to its head."""
        previous, expected = NO_DIGEST, 1
        rows = connection.execute(
            select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.account_id == account_id).order_by(AUDIT_ENTRY.c.number)
        )
        for row in rows:
            digest = self._digest(account_id, _read(row), previous)
            if row.number != expected or row.digest != digest:
                return expected
            previous, expected = digest, expected + 1
        head = connection.execute(
            select(SERIES.c.number, SERIES.c.digest).where(
                SERIES.c.account_id == account_id, SERIES.c.name == AUDIT
            )
        ).one()
        return None if (head.number, head.digest) == (expected - 1, previous) else expected

    def _digest(self, account_id: AccountId, entry: AuditEntry, previous: bytes) -> bytes:
        written = [
            account_id,
            str(entry.number),
            entry.at.isoformat(),
            entry.actor,
            entry.action,
            entry.subject,
            json.dumps(entry.detail, sort_keys=True),
        ]
        return self._digests.of("audit", previous, *(part.encode() for part in written))


def _read(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.number, row.at, row.actor, row.action, row.subject, json.loads(row.detail))
