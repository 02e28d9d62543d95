"""The token table: plain functions of a connection, rows mapped by hand. Never meets a key or an open card."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, select, tuple_, update

from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.schema import TOKEN
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.model import SealedCard, StoredToken, TokenEvent, next_state, states_before
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import AccountId, TokenId
from tonevault.plumbing.bulk import add_absent

_SHOWN: Final = [column for column in TOKEN.c if column.name not in ("sealed", "card_index", "epoch")]
_SHOWN_WITH_INDEX: Final = [*_SHOWN, TOKEN.c.card_index]
_HERE: Final = and_(TOKEN.c.account_id == bindparam("of_account"), TOKEN.c.token_id == bindparam("of_token"))
_FIND: Final = select(*_SHOWN).where(_HERE)
_FIND_WITH_CARD: Final = select(*[*_SHOWN, TOKEN.c.epoch, TOKEN.c.sealed]).where(_HERE)
"""Made once: building a statement takes longer than running it."""


def insert_all(
    connection: Connection, arrivals: Sequence[tuple[StoredToken, SealedCard, bytes | None]]
) -> set[TokenId]:
    """Add tokens, each with its sealed card and index, by one statement. The ids of those that were added: of two live tokens
    of one account and index, the first stands.
    """
    if not arrivals:
        return set()
    added = add_absent(connection, TOKEN, [_row(*each) for each in arrivals], ("account_id", "token_id"))
    return {TokenId(token_id) for _, token_id in added}


def _row(token: StoredToken, card: SealedCard, index: bytes | None) -> dict[str, object]:
    return {
        "account_id": token.account_id,
        "token_id": token.token_id,
        "usage": token.usage.value,
        "state": token.state.value,
        "brand": token.brand.value,
        "first6": token.first6,
        "last4": token.last4,
        "length": token.length,
        "exp_month": token.expiry.month,
        "exp_year": token.expiry.year,
        "epoch": card.epoch,
        "sealed": card.sealed,
        "card_index": index,
        "replaced_by": token.replaced_by,
        "created_at": token.created_at,
        "updated_at": token.created_at,
        "expires_at": token.expires_at,
    }


def find(connection: Connection, account: AccountId, token_id: TokenId) -> StoredToken | None:
    """A token of an account."""
    row = connection.execute(_FIND, {"of_account": account, "of_token": token_id}).one_or_none()
    return None if row is None else _token(row)


def has_tokens(connection: Connection, account: AccountId) -> bool:
    """Whether the account ever had a token: one that was ended keeps its row."""
    return (
        connection.execute(select(TOKEN.c.token_id).where(TOKEN.c.account_id == account).limit(1)).first()
        is not None
    )


def find_by_index(
    connection: Connection, wanted: Sequence[tuple[AccountId, bytes]]
) -> dict[tuple[AccountId, bytes], StoredToken]:
    """The live multi-use tokens of cards, by account and index."""
    if not wanted:
        return {}
    rows = connection.execute(
        select(*_SHOWN_WITH_INDEX).where(
            tuple_(TOKEN.c.account_id, TOKEN.c.card_index).in_([tuple(each) for each in wanted])
        )
    )
    return {(AccountId(row.account_id), bytes(row.card_index)): _token(row) for row in rows}


def find_with_card(
    connection: Connection, account: AccountId, token_id: TokenId
) -> tuple[StoredToken, SealedCard | None] | None:
    """A token and its card, still sealed; no card once it is shredded."""
    row = connection.execute(_FIND_WITH_CARD, {"of_account": account, "of_token": token_id}).one_or_none()
    if row is None:
        return None
    token = _token(row)
    return token, None if row.sealed is None else SealedCard(
        account, token_id, row.epoch, bytes(row.sealed), token.expiry
    )


def set_expiry(
    connection: Connection, account: AccountId, token_id: TokenId, expiry: Expiry, now: datetime
) -> bool:
    """The card was taken again, or the issuer tells a later expiry: which expiry counts from now on, and that the token is in use.

    False where the token has ended.
    """
    done = connection.execute(
        update(TOKEN)
        .where(_is(account, token_id), TOKEN.c.state == TokenState.ACTIVE.value)
        .values(exp_month=expiry.month, exp_year=expiry.year, updated_at=now)
    )
    return done.rowcount == 1


def change(
    connection: Connection,
    token: StoredToken,
    event: TokenEvent,
    now: datetime,
    replaced_by: TokenId | None = None,
) -> bool:
    """Carry out a transition of the table and shred the card; False when another transaction changed the token first.

    Raises TransitionError where the token's state does not allow the event.
    """
    done = connection.execute(
        update(TOKEN)
        .where(_is(token.account_id, token.token_id), TOKEN.c.state == token.state.value)
        .values(
            state=next_state(token.state, event).value,
            sealed=None,
            card_index=None,
            replaced_by=replaced_by or token.replaced_by,
            updated_at=now,
        )
    )
    return done.rowcount == 1


def hold_unshared(connection: Connection, token: StoredToken) -> bool:
    """Whether nobody has been given a token since it was made; then nobody will be until the transaction ends."""
    unshared = TOKEN.c.updated_at == TOKEN.c.created_at
    done = connection.execute(
        update(TOKEN)
        .where(_is(token.account_id, token.token_id), unshared)
        .values(updated_at=token.created_at)
    )
    return done.rowcount == 1


def out_of_time(connection: Connection, now: datetime, limit: int) -> list[StoredToken]:
    """Tokens whose own time is up and whose card is still there, at most `limit`."""
    before = [state.value for state in states_before(TokenEvent.EXPIRE)]
    rows = connection.execute(
        select(*_SHOWN).where(TOKEN.c.expires_at <= now, TOKEN.c.state.in_(before)).limit(limit)
    )
    return [_token(row) for row in rows]


def _is(account: AccountId, token_id: TokenId) -> ColumnElement[bool]:
    return and_(TOKEN.c.account_id == account, TOKEN.c.token_id == token_id)


def _token(row: Row[Any]) -> StoredToken:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    return StoredToken(
        account_id=AccountId(values[TOKEN.c.account_id]),
        token_id=TokenId(values[TOKEN.c.token_id]),
        usage=TokenUsage(values[TOKEN.c.usage]),
        state=TokenState(values[TOKEN.c.state]),
        brand=Brand(values[TOKEN.c.brand]),
        first6=values[TOKEN.c.first6],
        last4=values[TOKEN.c.last4],
        length=values[TOKEN.c.length],
        expiry=Expiry(values[TOKEN.c.exp_month], values[TOKEN.c.exp_year]),
        created_at=values[TOKEN.c.created_at],
        expires_at=values[TOKEN.c.expires_at],
        replaced_by=values[TOKEN.c.replaced_by],
    )
