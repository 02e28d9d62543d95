"""Rows of idempotency keys. Keys and bodies are kept as digests only: either may hold what nobody should keep."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from tonevault.desk.schema import IDEMPOTENCY_KEY
from tonevault.kernel.ids import AccountId


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as it stands. `letters` become the id of whatever the request makes, however often it is sent."""

    fingerprint: bytes
    letters: str
    locked_until: datetime
    created_at: datetime
    status: int | None = None
    answer: bytes | None = None


def _of(account_id: AccountId, digest: bytes) -> ColumnElement[bool]:
    return and_(IDEMPOTENCY_KEY.c.account_id == account_id, IDEMPOTENCY_KEY.c.digest == digest)


def find(connection: Connection, account_id: AccountId, digest: bytes) -> Claim | None:
    """The claim on a key, locked until the transaction ends."""
    row = connection.execute(
        select(IDEMPOTENCY_KEY).where(_of(account_id, digest)).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    return Claim(row.fingerprint, row.letters, row.locked_until, row.created_at, row.status, row.answer)


def add(connection: Connection, account_id: AccountId, digest: bytes, claim: Claim) -> None:
    """Insert a claim."""
    connection.execute(
        insert(IDEMPOTENCY_KEY).values(
            account_id=account_id,
            digest=digest,
            fingerprint=claim.fingerprint,
            letters=claim.letters,
            locked_until=claim.locked_until,
            created_at=claim.created_at,
        )
    )


def lock(connection: Connection, account_id: AccountId, digest: bytes, until: datetime) -> None:
    """Hold a key until then, or free it with a moment that has passed."""
    connection.execute(update(IDEMPOTENCY_KEY).where(_of(account_id, digest)).values(locked_until=until))


def keep_answer(
    connection: Connection, account_id: AccountId, digest: bytes, status: int, answer: bytes
) -> None:
    """Store what was answered."""
    connection.execute(
        update(IDEMPOTENCY_KEY).where(_of(account_id, digest)).values(status=status, answer=answer)
    )


def drop(connection: Connection, account_id: AccountId, digest: bytes) -> None:
    """Delete one key."""
    connection.execute(delete(IDEMPOTENCY_KEY).where(_of(account_id, digest)))


def drop_older(connection: Connection, moment: datetime) -> None:
    """Delete the keys claimed before then."""
    connection.execute(delete(IDEMPOTENCY_KEY).where(IDEMPOTENCY_KEY.c.created_at < moment))
