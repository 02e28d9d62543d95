"""Cards on their way into the vault: sealed already, kept many at once, one live token for each card of an account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.cde.audit.log import record, record_all
from tonevault.cde.audit.model import Action, Entry
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault import store
from tonevault.cde.vault.keys import AccountKeys
from tonevault.cde.vault.model import SealedCard, StoredToken
from tonevault.kernel.ids import AccountId

_MOMENT: Final = timedelta(microseconds=1)
RIVAL_TRIES: Final = 5
"""A card whose token is revoked by others while it is kept is tried again this often."""

Confirm = Callable[[Connection, AccountId, AccountKeys], None]
"""Holds the keys in force until the transaction ends, or raises StaleKeysError."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A card to keep. `index` is None for a single-use token; `older_indexes` are those under keys that a re-keying leaves behind."""

    token: StoredToken
    card: SealedCard
    keys: AccountKeys
    index: bytes | None
    older_indexes: tuple[bytes, ...]
    at: datetime


def keep_all(connection: Connection, arrivals: Sequence[Arrival], confirm: Confirm) -> list[StoredToken]:
    """Keep the cards in one transaction; for each the token that stands: its own, or the one that its card has already."""
    for account, keys in {(each.token.account_id, id(each.keys)): each.keys for each in arrivals}.items():
        confirm(connection, account[0], keys)
    older = store.find_by_index(
        connection, [(each.token.account_id, index) for each in arrivals for index in each.older_indexes]
    )
    fresh = [each for each in arrivals if _known(each, older) is None]
    added = store.insert_all(connection, [(each.token, each.card, each.index) for each in fresh])
    standing = store.find_by_index(
        connection,
        [
            (each.token.account_id, each.index)
            for each in fresh
            if each.token.token_id not in added and each.index is not None
        ],
    )
    record_all(connection, [_making(each) for each in fresh if each.token.token_id in added])
    return [
        each.token
        if each.token.token_id in added
        else _found(connection, each, _known(each, older) or _known(each, standing))
        for each in arrivals
    ]


def _known(arrival: Arrival, tokens: dict[tuple[AccountId, bytes], StoredToken]) -> StoredToken | None:
    for index in (arrival.index, *arrival.older_indexes):
        if index is not None and (token := tokens.get((arrival.token.account_id, index))) is not None:
            return token
    return None


def _making(arrival: Arrival) -> Entry:
    token = arrival.token
    detail = {"usage": token.usage.value}
    return Entry(token.account_id, arrival.at, "", Action.TOKEN_MADE, token.token_id, detail)


def _found(connection: Connection, arrival: Arrival, standing: StoredToken | None) -> StoredToken:
    """The card has a token: with the newer expiry of the two."""
    for _ in range(RIVAL_TRIES):
        if standing is not None and (given := _given_out(connection, arrival, standing)) is not None:
            return given
        # The token that was in the way is gone: revoked by a transaction that committed in between.
        if store.insert_all(connection, [(arrival.token, arrival.card, arrival.index)]):
            record_all(connection, [_making(arrival)])
            return arrival.token
        here = [(arrival.token.account_id, index) for index in (arrival.index,) if index is not None]
        standing = _known(arrival, store.find_by_index(connection, here))
    raise TimeoutError("the token of this card was revoked and made again while it was captured; try again")


def _given_out(connection: Connection, arrival: Arrival, standing: StoredToken) -> StoredToken | None:
    """The token for one more capture of its card; None where it ended since it was looked for."""
    account, token_id = standing.account_id, standing.token_id
    expiry = arrival.token.expiry if _is_newer(arrival.token.expiry, standing.expiry) else standing.expiry
    # Always after it was made, for an unwanted token is dropped only while nobody else has it.
    at = max(arrival.at, standing.created_at + _MOMENT)
    if not store.set_expiry(connection, account, token_id, expiry, at):
        return None
    record(connection, Action.TOKEN_FOUND, at=arrival.at, account=account, subject=token_id)
    if expiry != standing.expiry:
        record(connection, Action.TOKEN_UPDATED, at=arrival.at, account=account, subject=token_id)
    return replace(standing, expiry=expiry)


def _is_newer(one: Expiry, other: Expiry) -> bool:
    return (one.year, one.month) > (other.year, other.month)
