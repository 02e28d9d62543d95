"""The tables of keys: plain functions of a connection. Never meets an open key; what it holds it holds until the commit."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, select, update

from tonevault.cde.key_custody import CustodyKind
from tonevault.cde.schema import ACCOUNT_KEY, KEY_ENCRYPTING_KEY
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.insert import insert_if_absent

EVERY_ACCOUNT: Final = "*"
"""Stands where an account stands in rows that belong to the deployment; no account can be called so."""
FIRST_EPOCH: Final = 1


class KeyPurpose(StrEnum):
    """A key seals cards or indexes them, never both (NIST SP 800-57 part 1, section 5.2)."""

    DATA = "data"
    INDEX = "index"


class KekState(StrEnum):
    """A key-encrypting key's life: one is in force, those before it are kept for unwrapping, and end retired."""

    IN_FORCE = "in_force"
    KEPT = "kept"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row of account_key."""

    account: AccountId
    purpose: KeyPurpose
    epoch: int
    key_id: str
    wrapped: bytes = field(repr=False)
    created_at: datetime
    superseded_at: datetime | None = None

    @property
    def context(self) -> bytes:
        """What the wrapped key is bound to: moved to another row it does not open. None of the parts holds a bar."""
        return f"tonevault-key|{self.account}|{self.purpose.value}|{self.epoch}".encode("ascii")


@dataclass(frozen=True, slots=True)
class Kek:
    """One row of the register of key-encrypting keys."""

    key_id: str
    custody: CustodyKind
    state: KekState
    made_at: datetime
    retired_at: datetime | None = None


def keys_of(connection: Connection, account: AccountId) -> list[StoredKey]:
    """Every key of an account, oldest epoch first, and of one epoch by purpose."""
    rows = connection.execute(
        select(ACCOUNT_KEY)
        .where(ACCOUNT_KEY.c.account_id == account)
        .order_by(ACCOUNT_KEY.c.epoch, ACCOUNT_KEY.c.purpose)
    )
    return [stored_key(row) for row in rows]


def keys_in_force(connection: Connection) -> list[StoredKey]:
    """Those of every account."""
    rows = connection.execute(select(ACCOUNT_KEY).where(ACCOUNT_KEY.c.superseded_at.is_(None)))
    return [stored_key(row) for row in rows]


def insert_key(connection: Connection, key: StoredKey) -> bool:
    """Add a key; False when its epoch is there: a node that was first keeps its key, and every node reads the one that stands."""
    return insert_if_absent(
        connection,
        ACCOUNT_KEY,
        {
            "account_id": key.account,
            "purpose": key.purpose.value,
            "epoch": key.epoch,
            "key_id": key.key_id,
            "wrapped": key.wrapped,
            "created_at": key.created_at,
            "superseded_at": key.superseded_at,
        },
    )


_IN_FORCE: Final = (
    select(ACCOUNT_KEY.c.purpose, ACCOUNT_KEY.c.epoch)
    .where(ACCOUNT_KEY.c.account_id == bindparam("of_account"), ACCOUNT_KEY.c.superseded_at.is_(None))
    .order_by(ACCOUNT_KEY.c.purpose)
)
_HELD: Final = _IN_FORCE.with_for_update(read=True)
_HELD_ALONE: Final = _IN_FORCE.with_for_update()
"""Made once: every group of cards begins with one of them."""


def hold_in_force(
    connection: Connection, account: AccountId, *, alone: bool = False
) -> dict[KeyPurpose, int]:
    """The epochs in force, held until the transaction ends: no newer one can begin before a card sealed under them is committed.

    Many may hold them at once; `alone` waits for all of those, and is for whoever is about to end the epochs.
    """
    rows = connection.execute(_HELD_ALONE if alone else _HELD, {"of_account": account})
    return {KeyPurpose(row.purpose): row.epoch for row in rows}


def supersede(connection: Connection, key: StoredKey, now: datetime) -> bool:
    """End a key's time in force, waiting for the transactions that hold it; False when that was done before."""
    done = connection.execute(
        update(ACCOUNT_KEY)
        .where(is_key(key), ACCOUNT_KEY.c.superseded_at.is_(None))
        .values(superseded_at=now)
    )
    return done.rowcount == 1


def is_key(key: StoredKey) -> ColumnElement[bool]:
    """The row of this key."""
    return and_(
        ACCOUNT_KEY.c.account_id == key.account,
        ACCOUNT_KEY.c.purpose == key.purpose.value,
        ACCOUNT_KEY.c.epoch == key.epoch,
    )


def keks(connection: Connection) -> list[Kek]:
    """The register, oldest first."""
    here = KEY_ENCRYPTING_KEY.c.account_id == EVERY_ACCOUNT
    order = (KEY_ENCRYPTING_KEY.c.made_at, KEY_ENCRYPTING_KEY.c.key_id)
    return [_kek(row) for row in connection.execute(select(KEY_ENCRYPTING_KEY).where(here).order_by(*order))]


def kek_in_force(connection: Connection, *, hold: bool = False) -> Kek | None:
    """The key in force. Held until the transaction ends it cannot be retired before what it wrapped is committed."""
    wanted = (
        select(KEY_ENCRYPTING_KEY)
        .where(
            KEY_ENCRYPTING_KEY.c.account_id == EVERY_ACCOUNT,
            KEY_ENCRYPTING_KEY.c.state == KekState.IN_FORCE.value,
        )
        .order_by(KEY_ENCRYPTING_KEY.c.made_at.desc(), KEY_ENCRYPTING_KEY.c.key_id)
        .limit(1)
    )
    row = connection.execute(wanted.with_for_update(read=True) if hold else wanted).one_or_none()
    return None if row is None else _kek(row)


def register_kek(connection: Connection, kek: Kek) -> bool:
    """Enter a key in the register; False when it stands there."""
    return insert_if_absent(
        connection,
        KEY_ENCRYPTING_KEY,
        {
            "account_id": EVERY_ACCOUNT,
            "key_id": kek.key_id,
            "custody": kek.custody.value,
            "state": kek.state.value,
            "made_at": kek.made_at,
            "retired_at": kek.retired_at,
        },
    )


def set_kek_state(connection: Connection, key_id: str, state: KekState, retired_at: datetime | None) -> None:
    """Change a key's state, waiting for the transactions that hold it."""
    connection.execute(
        update(KEY_ENCRYPTING_KEY)
        .where(KEY_ENCRYPTING_KEY.c.account_id == EVERY_ACCOUNT, KEY_ENCRYPTING_KEY.c.key_id == key_id)
        .values(state=state.value, retired_at=retired_at)
    )


def stored_key(row: Row[Any]) -> StoredKey:
    """A row of account_key."""
    return StoredKey(
        AccountId(row.account_id),
        KeyPurpose(row.purpose),
        row.epoch,
        row.key_id,
        bytes(row.wrapped),
        row.created_at,
        row.superseded_at,
    )


def _kek(row: Row[Any]) -> Kek:
    return Kek(row.key_id, CustodyKind(row.custody), KekState(row.state), row.made_at, row.retired_at)
