"""One batch of a re-keying: cards read, sealed anew in memory, and written back where they still are what was read."""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, text

from tonevault.cde.schema import TOKEN
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.keys import AccountKeys
from tonevault.cde.vault.seal import NONCE_LENGTH, associated_data, reseal_number
from tonevault.kernel.ids import AccountId, TokenId

BATCHES: Final = {"sqlite": 250, "postgresql": 500}
"""Cards in one transaction, and so done twice after a kill at most. SQLite's other writers wait for the end of one, some 10 ms;
on PostgreSQL nobody waits, and what counts is the way there and back."""


START: Final = ""
"""Before every card's place."""
_BY_ID: Final = (
    select(
        TOKEN.c.token_id,
        TOKEN.c.epoch,
        TOKEN.c.sealed,
        TOKEN.c.card_index.is_not(None).label("indexed"),
        TOKEN.c.token_id.label("place"),
    )
    .where(
        TOKEN.c.account_id == bindparam("of_account"),
        TOKEN.c.token_id > bindparam("after"),
        TOKEN.c.epoch < bindparam("newest"),
        TOKEN.c.sealed.is_not(None),
    )
    .order_by(TOKEN.c.token_id)
    .limit(bindparam("count"))
)
_BY_PLACE: Final = (
    "SELECT token_id, epoch, sealed, card_index IS NOT NULL AS indexed, rowid AS place FROM token NOT INDEXED "
    "WHERE account_id = ?1 AND rowid > ?2 AND epoch < ?3 AND sealed IS NOT NULL ORDER BY rowid LIMIT ?4"
)


@dataclass(frozen=True, slots=True)
class OldCard:
    """A card under a data key that is no longer in force. `indexed`: it is found by its index, which is renewed with the card.

    `place` is where it stands in the order in which cards are read.
    """

    token_id: TokenId
    epoch: int
    sealed: bytes
    indexed: bool
    place: str


@dataclass(frozen=True, slots=True)
class NewCard:
    """The same card under the key in force; `old` is what it must still be for that."""

    token_id: TokenId
    old: bytes
    sealed: bytes
    index: bytes | None


def read_batch(connection: Connection, account: AccountId, newest: int, after: str) -> list[OldCard]:
    """The next cards that are not under `newest`, after the `place` of the last card of the batch before, or after `START`."""
    count = BATCHES[connection.dialect.name]
    if connection.dialect.name == "sqlite":
        # In the order of the file: ids are random, and a batch in their order would touch, and write, a page for each card.
        rows = connection.exec_driver_sql(_BY_PLACE, (account, int(after or 0), newest, count))
    else:
        rows = connection.execute(
            _BY_ID, {"of_account": account, "after": after, "newest": newest, "count": count}
        )
    return [
        OldCard(TokenId(row.token_id), row.epoch, bytes(row.sealed), bool(row.indexed), str(row.place))
        for row in rows
    ]


def reseal(account: AccountId, cards: list[OldCard], keys: AccountKeys) -> list[NewCard]:
    """Seal the cards anew under the key in force. Raises CardUnreadableError, naming the token, for a row that was damaged."""
    nonces = memoryview(secrets.token_bytes(NONCE_LENGTH * len(cards)))
    renewed = keys.older_index_keys != ()
    out = []
    for place, card in enumerate(cards):
        nonce = bytes(nonces[place * NONCE_LENGTH : (place + 1) * NONCE_LENGTH])
        opening = keys.ciphers.get(card.epoch)
        if opening is None:
            raise CardUnreadableError(
                f"{card.token_id}: the data key of epoch {card.epoch} is gone; revoke the token"
            )
        try:
            sealed, index = reseal_number(
                card.sealed,
                (opening, associated_data(account, card.token_id, card.epoch)),
                (keys.cipher, associated_data(account, card.token_id, keys.epoch)),
                nonce,
                keys.index_key if renewed and card.indexed else None,
            )
        except CardUnreadableError as error:
            raise CardUnreadableError(
                f"{card.token_id}: {error}; restore its row, or revoke the token"
            ) from None
        out.append(NewCard(card.token_id, card.sealed, sealed, index))
    return out


def write_batch(connection: Connection, account: AccountId, cards: list[NewCard], epoch: int) -> int:
    """Store the cards that still are what was read; the number stored. A token that ended meanwhile stays ended."""
    plain = [card for card in cards if card.index is None]
    indexed = [card for card in cards if card.index is not None]
    return sum(_write(connection, account, each, epoch) for each in (plain, indexed) if each)


def _write(connection: Connection, account: AccountId, cards: list[NewCard], epoch: int) -> int:
    with_index = cards[0].index is not None
    if connection.dialect.name == "sqlite":
        also = ", card_index = ?4" if with_index else ""
        # The driver's own statement: to compile one and name its values would be most of the work.
        return connection.exec_driver_sql(
            f"UPDATE token SET epoch = ?1, sealed = ?2{also} "  # noqa: S608 - words of this file
            "WHERE account_id = ?5 AND token_id = ?6 AND sealed = ?3",
            [(epoch, card.sealed, card.old, card.index, account, card.token_id) for card in cards],
        ).rowcount
    also = ", card_index = fresh.card_index" if with_index else ""
    return connection.execute(
        text(
            f"UPDATE token SET epoch = :epoch, sealed = fresh.sealed{also} "  # noqa: S608 - words of this file
            "FROM unnest(CAST(:tokens AS varchar[]), CAST(:old AS bytea[]), CAST(:new AS bytea[]), CAST(:indexes AS bytea[])) "
            "AS fresh (token_id, old, sealed, card_index) "
            "WHERE token.account_id = :account AND token.token_id = fresh.token_id AND token.sealed = fresh.old"
        ),
        {
            "epoch": epoch,
            "account": account,
            "tokens": [card.token_id for card in cards],
            "old": [card.old for card in cards],
            "new": [card.sealed for card in cards],
            "indexes": [card.index for card in cards],
        },
    ).rowcount
