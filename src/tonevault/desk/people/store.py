"""Rows of accounts, users, API keys, log-ins and tickets. Every function works in one account."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from tonevault.desk.people.model import Account, ApiKey, Role, Scope, User
from tonevault.desk.schema import ACCOUNT, API_KEY, LOG_IN, PERSON, TICKET
from tonevault.kernel.ids import AccountId, ApiKeyId, UserId

_USER = (
    PERSON.c.user_id,
    PERSON.c.login,
    PERSON.c.name,
    PERSON.c.role,
    PERSON.c.disabled,
    PERSON.c.created_at,
)


def _account(row: Row[Any]) -> Account:
    return Account(row.account_id, row.name, row.country_code, row.created_at)


def _user(row: Row[*tuple[Any, ...]]) -> User:
    return User(row.user_id, row.login, row.name, Role(row.role), row.disabled, row.created_at)


def _api_key(row: Row[Any]) -> ApiKey:
    scopes = tuple(Scope(word) for word in row.scopes.split())
    return ApiKey(
        row.key_id, row.name, scopes, row.created_by, row.created_at, row.expires_at, row.revoked_at
    )


def add_account(connection: Connection, account: Account) -> None:
    """Insert an account."""
    connection.execute(
        insert(ACCOUNT).values(
            account_id=account.id,
            name=account.name,
            country_code=account.country_code,
            created_at=account.created_at,
        )
    )


def find_account(connection: Connection, account_id: AccountId) -> Account | None:
    """The account, or None."""
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.account_id == account_id)).one_or_none()
    return None if row is None else _account(row)


def accounts(connection: Connection) -> list[Account]:
    """All accounts by name."""
    return [_account(row) for row in connection.execute(select(ACCOUNT).order_by(ACCOUNT.c.account_id))]


def add_user(connection: Connection, account_id: AccountId, user: User, password_hash: str) -> None:
    """Insert a user."""
    connection.execute(
        insert(PERSON).values(
            account_id=account_id,
            user_id=user.id,
            login=user.login,
            name=user.name,
            role=user.role.value,
            password_hash=password_hash,
            disabled=user.disabled,
            created_at=user.created_at,
        )
    )


def find_user_by_login(connection: Connection, account_id: AccountId, login: str) -> tuple[User, str] | None:
    """The user and the password's hash."""
    row = connection.execute(
        select(*_USER, PERSON.c.password_hash).where(
            PERSON.c.account_id == account_id, PERSON.c.login == login
        )
    ).one_or_none()
    return None if row is None else (_user(row), row.password_hash)


def change_user(
    connection: Connection,
    account_id: AccountId,
    user_id: UserId,
    *,
    password_hash: str | None = None,
    disabled: bool | None = None,
) -> None:
    """Change a password or shut a user out; either ends every log-in of theirs."""
    changes = {"password_hash": password_hash, "disabled": disabled}
    connection.execute(
        update(PERSON)
        .where(PERSON.c.account_id == account_id, PERSON.c.user_id == user_id)
        .values({name: value for name, value in changes.items() if value is not None})
    )
    for table in (LOG_IN, TICKET):
        connection.execute(delete(table).where(table.c.account_id == account_id, table.c.user_id == user_id))


def users(connection: Connection, account_id: AccountId) -> list[User]:
    """All users by login."""
    rows = connection.execute(
        select(*_USER).where(PERSON.c.account_id == account_id).order_by(PERSON.c.login)
    )
    return [_user(row) for row in rows]


def add_api_key(connection: Connection, account_id: AccountId, key: ApiKey, digest: bytes) -> None:
    """Insert a key."""
    connection.execute(
        insert(API_KEY).values(
            account_id=account_id,
            key_id=key.id,
            digest=digest,
            name=key.name,
            scopes=" ".join(key.scopes),
            created_by=key.created_by,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )
    )


def find_api_key(connection: Connection, account_id: AccountId, digest: bytes) -> ApiKey | None:
    """The key with this digest, valid or not."""
    row = connection.execute(
        select(API_KEY).where(API_KEY.c.account_id == account_id, API_KEY.c.digest == digest)
    ).one_or_none()
    return None if row is None else _api_key(row)


def api_keys(connection: Connection, account_id: AccountId) -> list[ApiKey]:
    """All keys, newest first."""
    rows = connection.execute(
        select(API_KEY).where(API_KEY.c.account_id == account_id).order_by(API_KEY.c.key_id.desc())
    )
    return [_api_key(row) for row in rows]


def revoke_api_key(
    connection: Connection, account_id: AccountId, key_id: ApiKeyId, now: datetime
) -> ApiKey | None:
    """Mark a key revoked, once; the key as it now stands."""
    of_key = (API_KEY.c.account_id == account_id, API_KEY.c.key_id == key_id)
    connection.execute(update(API_KEY).where(*of_key, API_KEY.c.revoked_at.is_(None)).values(revoked_at=now))
    row = connection.execute(select(API_KEY).where(*of_key)).one_or_none()
    return None if row is None else _api_key(row)


def add_log_in(
    connection: Connection,
    account_id: AccountId,
    digest: bytes,
    user_id: UserId,
    *,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Insert a log-in."""
    connection.execute(
        insert(LOG_IN).values(
            account_id=account_id,
            digest=digest,
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
    )


def find_log_in(
    connection: Connection, account_id: AccountId, digest: bytes
) -> tuple[User, datetime, datetime] | None:
    """The user of a log-in, when it was last seen and when it ends; the user may be disabled by now."""
    row = connection.execute(
        select(*_USER, LOG_IN.c.seen_at, LOG_IN.c.expires_at)
        .join(PERSON, (PERSON.c.account_id == LOG_IN.c.account_id) & (PERSON.c.user_id == LOG_IN.c.user_id))
        .where(LOG_IN.c.account_id == account_id, LOG_IN.c.digest == digest)
    ).one_or_none()
    return None if row is None else (_user(row), row.seen_at, row.expires_at)


def touch_log_in(connection: Connection, account_id: AccountId, digest: bytes, now: datetime) -> None:
    """Note that a log-in was used."""
    connection.execute(
        update(LOG_IN).where(LOG_IN.c.account_id == account_id, LOG_IN.c.digest == digest).values(seen_at=now)
    )


def end_log_in(connection: Connection, account_id: AccountId, digest: bytes) -> UserId | None:
    """Delete a log-in; whose it was."""
    user_id: UserId | None = connection.execute(
        delete(LOG_IN)
        .where(LOG_IN.c.account_id == account_id, LOG_IN.c.digest == digest)
        .returning(LOG_IN.c.user_id)
    ).scalar_one_or_none()
    return user_id


def add_ticket(
    connection: Connection, account_id: AccountId, digest: bytes, user_id: UserId, expires_at: datetime
) -> None:
    """Insert a one-time ticket."""
    connection.execute(
        insert(TICKET).values(account_id=account_id, digest=digest, user_id=user_id, expires_at=expires_at)
    )


def use_ticket(connection: Connection, account_id: AccountId, digest: bytes, now: datetime) -> User | None:
    """Delete a ticket and give the user it is for; None where it was used, has expired or never was."""
    used = connection.execute(
        delete(TICKET)
        .where(TICKET.c.account_id == account_id, TICKET.c.digest == digest)
        .returning(TICKET.c.user_id, TICKET.c.expires_at)
    ).one_or_none()
    if used is None or used.expires_at <= now:
        return None
    row = connection.execute(
        select(*_USER).where(
            PERSON.c.account_id == account_id,
            PERSON.c.user_id == used.user_id,
            PERSON.c.disabled == False,  # noqa: E712 - SQL, not Python
        )
    ).one_or_none()
    return None if row is None else _user(row)


def forget_expired(connection: Connection, now: datetime) -> None:
    """Delete log-ins and tickets that open nothing any more."""
    connection.execute(delete(LOG_IN).where(LOG_IN.c.expires_at <= now))
    connection.execute(delete(TICKET).where(TICKET.c.expires_at <= now))
