"""The tables of custodians and ceremonies: plain functions of a connection."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from tonevault.cde.keys.model import LOCKED_FOR, MAX_FAILURES, Ceremony, CeremonyState, Custodian, KeyAct
from tonevault.cde.schema import KEY_CEREMONY, KEY_CUSTODIAN
from tonevault.cde.vault.key_store import EVERY_ACCOUNT
from tonevault.plumbing.insert import insert_if_absent


def custodians(connection: Connection) -> list[Custodian]:
    """Those who have not left, by name."""
    here = and_(KEY_CUSTODIAN.c.account_id == EVERY_ACCOUNT, KEY_CUSTODIAN.c.left_at.is_(None))
    rows = connection.execute(select(KEY_CUSTODIAN).where(here).order_by(KEY_CUSTODIAN.c.name))
    return [_custodian(row) for row in rows]


def find_custodian(connection: Connection, name: str) -> Custodian | None:
    """Somebody who has not left."""
    return next((each for each in custodians(connection) if each.name == name), None)


def was_given(connection: Connection, name: str) -> bool:
    """Whether anybody has or had this name."""
    return connection.execute(select(KEY_CUSTODIAN.c.name).where(_is(name))).first() is not None


def enrol(connection: Connection, name: str, credential: str, now: datetime) -> bool:
    """Add a custodian; False when the name was ever given."""
    return insert_if_absent(
        connection,
        KEY_CUSTODIAN,
        {
            "account_id": EVERY_ACCOUNT,
            "name": name,
            "credential": credential,
            "enrolled_at": now,
            "failures": 0,
        },
    )


def leave(connection: Connection, name: str, now: datetime) -> None:
    """The custodian may hold no ceremony from now on."""
    connection.execute(update(KEY_CUSTODIAN).where(_is(name)).values(left_at=now))


def count_failure(connection: Connection, name: str, now: datetime) -> None:
    """One wrong passphrase more; the last one allowed locks the name and begins to count anew."""
    failed = connection.execute(
        select(KEY_CUSTODIAN.c.failures).where(_is(name)).with_for_update()
    ).scalar_one()
    locks = failed + 1 >= MAX_FAILURES
    values = {"failures": 0, "locked_until": now + LOCKED_FOR} if locks else {"failures": failed + 1}
    connection.execute(update(KEY_CUSTODIAN).where(_is(name)).values(values))


def forget_failures(connection: Connection, name: str) -> None:
    """The right passphrase was given."""
    connection.execute(update(KEY_CUSTODIAN).where(_is(name)).values(failures=0, locked_until=None))


def insert_ceremony(connection: Connection, ceremony: Ceremony) -> None:
    """Write a proposal down."""
    insert_if_absent(
        connection,
        KEY_CEREMONY,
        {
            "account_id": EVERY_ACCOUNT,
            "ceremony_id": ceremony.ceremony_id,
            "act": ceremony.act.value,
            "subject": ceremony.subject,
            "state": ceremony.state.value,
            "proposer": ceremony.proposer,
            "proposed_at": ceremony.proposed_at,
            "expires_at": ceremony.expires_at,
        },
    )


def find_ceremony(connection: Connection, ceremony_id: str, *, hold: bool = False) -> Ceremony | None:
    """A ceremony; held until the transaction ends where it is about to change."""
    wanted = select(KEY_CEREMONY).where(_is_ceremony(ceremony_id))
    row = connection.execute(wanted.with_for_update() if hold else wanted).one_or_none()
    return None if row is None else _ceremony(row)


def open_ceremonies(connection: Connection, now: datetime) -> list[Ceremony]:
    """Those that wait for a second custodian or for their carrying out, oldest first."""
    here = and_(
        KEY_CEREMONY.c.account_id == EVERY_ACCOUNT,
        KEY_CEREMONY.c.state != CeremonyState.CARRIED_OUT.value,
        KEY_CEREMONY.c.expires_at > now,
    )
    rows = connection.execute(select(KEY_CEREMONY).where(here).order_by(KEY_CEREMONY.c.proposed_at))
    return [_ceremony(row) for row in rows]


def set_ceremony(
    connection: Connection, ceremony_id: str, state: CeremonyState, approver: str, now: datetime
) -> None:
    """Bring a ceremony on."""
    connection.execute(
        update(KEY_CEREMONY)
        .where(_is_ceremony(ceremony_id))
        .values(state=state.value, approver=approver, settled_at=now)
    )


def _is(name: str) -> ColumnElement[bool]:
    return and_(KEY_CUSTODIAN.c.account_id == EVERY_ACCOUNT, KEY_CUSTODIAN.c.name == name)


def _is_ceremony(ceremony_id: str) -> ColumnElement[bool]:
    return and_(KEY_CEREMONY.c.account_id == EVERY_ACCOUNT, KEY_CEREMONY.c.ceremony_id == ceremony_id)


def _custodian(row: Row[Any]) -> Custodian:
    return Custodian(row.name, row.credential, row.enrolled_at, row.failures, row.locked_until)


def _ceremony(row: Row[Any]) -> Ceremony:
    return Ceremony(
        row.ceremony_id,
        KeyAct(row.act),
        row.subject,
        CeremonyState(row.state),
        row.proposer,
        row.approver,
        row.proposed_at,
        row.expires_at,
    )
