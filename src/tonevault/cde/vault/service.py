"""The vault: gives a token for a card, opens the card again for a named purpose, and shreds it. Refuses to show a number."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.tokens import TokenState, TokenUsage, TokenView
from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.key_custody import KeyCustody, KeyCustodyError
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault import store
from tonevault.cde.vault.arrival import RIVAL_TRIES, Arrival, keep_all
from tonevault.cde.vault.errors import (
    CardUnreadableError,
    StaleKeysError,
    TokenNotChargeableError,
    TokenNotFoundError,
)
from tonevault.cde.vault.keyed_digest import DigestPurpose, keyed_digest
from tonevault.cde.vault.keys import KeyRing
from tonevault.cde.vault.model import (
    SINGLE_USE_LIFETIME,
    SealedCard,
    StoredToken,
    TokenEvent,
    card_is_past,
)
from tonevault.cde.vault.seal import NONCE_LENGTH, associated_data, seal_and_index, unseal_number
from tonevault.kernel.ids import TOKEN, AccountId, Entropy, TokenId, make_secret_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY, random_bytes
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

SWEEP_BATCH: Final = 200
"""Cards shredded in one transaction, so that a sweep never holds the writer for long."""
STALE_TRIES: Final = 5
"""A card whose keys are replaced while it is kept is sealed again this often."""

log = get_logger(__name__)


class OpeningPurpose(StrEnum):
    """Why a card was opened: every use of a clear card is in the audit log (PCI DSS 10.2.1.1)."""

    CHARGE = "charge"


ACTIONS: Final = {
    TokenEvent.EXPIRE: Action.TOKEN_EXPIRED,
    TokenEvent.REPLACE: Action.TOKEN_REPLACED,
    TokenEvent.CONSUME: Action.TOKEN_CONSUMED,
    TokenEvent.REVOKE: Action.TOKEN_REVOKED,
}
"""Every transition shreds the card, so that its entry tells of both."""


@dataclass(frozen=True, slots=True)
class CardUse:
    """What a clear card is taken for: which charge, by which attempt, through which gateway. The audit log keeps it."""

    purpose: OpeningPurpose
    gateway: str = ""
    charge: str = ""
    attempt: str = ""

    def detail(self) -> dict[str, str]:
        """As the audit log keeps it."""
        facts = {
            "purpose": self.purpose.value,
            "gateway": self.gateway,
            "charge": self.charge,
            "attempt": self.attempt,
        }
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True, slots=True)
class OpenCard:
    """A card in hand: its number is sealed against being shown, and zeroed when the block ends that opened it."""

    number: CardNumber
    expiry: Expiry


class Vault:
    """Tokens and sealed cards of every account, on the secure zone's database and behind the custody's key."""

    def __init__(self, database: Database, custody: KeyCustody, entropy: Entropy = SYSTEM_ENTROPY) -> None:
        """`entropy` makes token ids. Keys and nonces always come from the system: a repeated nonce would open cards."""
        self._database = database
        self._keys = KeyRing(database, custody)
        self._entropy = entropy

    async def tokenise(
        self, account: AccountId, number: CardNumber, expiry: Expiry, usage: TokenUsage, now: datetime
    ) -> tuple[TokenView, bool]:
        """The token of a card, and whether the account had it already. The caller still owns `number` and destroys it.

        Raises ValueError for a number that no scheme issues or an expiry that is past, KeyCustodyError when keys are closed.
        """
        if not number.is_valid:
            raise ValueError("card_number: fails its check digit or its scheme's length; key it again")
        if card_is_past(expiry, now):
            raise ValueError("expiry: the card's last month is over; use a card that is still good")
        for _ in range(STALE_TRIES):
            arrival = await self._arrival(account, number, expiry, usage, now)
            try:
                kept = await self._database.transact_together(self._keep, arrival)
            except StaleKeysError:
                await self._keys.reread(account, now)
            else:
                return kept.view(now), kept.token_id != arrival.token.token_id
        raise KeyCustodyError("the account's keys are being replaced again and again; try again later")

    async def digests(
        self, account: AccountId, purpose: DigestPurpose, parts: Sequence[str], now: datetime
    ) -> tuple[bytes, ...]:
        """Keyed digests of a text under the account's key in force and those before it, newest first; none where it was shredded.

        Raises KeyCustodyError when keys are closed.
        """
        keys = await self._keys.present(account, now)
        if keys is None:
            if await self._database.read(lambda c: store.has_tokens(c, account)):
                # Its keys were shredded, and a text from outside must not bring keys back.
                return ()
            keys = await self._keys.of(account, now)
        return tuple(keyed_digest(key, purpose, *parts) for key in (keys.index_key, *keys.older_index_keys))

    async def token(self, account: AccountId, token_id: TokenId, now: datetime) -> TokenView:
        """What may be known of a token. Raises TokenNotFoundError."""
        token = await self._database.read(lambda c: store.find(c, account, token_id))
        if token is None:
            raise TokenNotFoundError
        return token.view(now)

    async def revoke(self, account: AccountId, token_id: TokenId, now: datetime) -> TokenView:
        """End a token in any state and shred its card; harmless when repeated. Raises TokenNotFoundError."""
        return await self._database.transact(lambda c: self.revoke_in(c, account, token_id, now).view(now))

    @asynccontextmanager
    async def open_card(
        self, account: AccountId, token_id: TokenId, purpose: OpeningPurpose, now: datetime
    ) -> AsyncIterator[OpenCard]:
        """The card of an active token, in hand for the length of the block. A single-use token is consumed by it.

        Raises TokenNotFoundError and TokenNotChargeableError.
        """
        use = CardUse(purpose)
        drawn = await self._database.transact(lambda c: self.draw(c, account, token_id, now, use))
        if isinstance(drawn, TokenState):
            raise TokenNotChargeableError
        async with self.open_drawn(drawn, purpose, now) as card:
            yield card

    def has(self, connection: Connection, account: AccountId, token_id: TokenId) -> bool:
        """Whether the account has this token, in any state; within the caller's transaction."""
        return store.find(connection, account, token_id) is not None

    def draw(
        self, connection: Connection, account: AccountId, token_id: TokenId, now: datetime, use: CardUse
    ) -> SealedCard | TokenState:
        """Take the sealed card of an active token within the caller's transaction, or tell the state that forbids it.

        The use is in the audit log with that transaction, before the card is in hand. A single-use token is consumed and its
        row shredded by it: from its commit on the card is in this process alone. Raises TokenNotFoundError.
        """
        for _ in range(RIVAL_TRIES):
            found = store.find_with_card(connection, account, token_id)
            if found is None:
                raise TokenNotFoundError
            token, card = found
            if (state := token.state_at(now)) is not TokenState.ACTIVE:
                return state
            if card is None:
                raise CardUnreadableError(
                    "an active token has no card: its row was changed; capture the card again"
                )
            if token.usage is TokenUsage.MULTI or self._change(connection, token, TokenEvent.CONSUME, now):
                record(
                    connection,
                    Action.CARD_DRAWN,
                    at=now,
                    account=account,
                    subject=token_id,
                    detail=use.detail(),
                )
                return card
        raise AssertionError(
            "unreachable: nothing leads back to active, so a rival leaves another state behind"
        )

    @asynccontextmanager
    async def open_drawn(
        self, drawn: SealedCard, purpose: OpeningPurpose, now: datetime
    ) -> AsyncIterator[OpenCard]:
        """Open what `draw` took. Raises CardUnreadableError, KeyCustodyError."""
        cipher = await self._keys.cipher(drawn.account_id, drawn.epoch, now)
        bound_to = associated_data(drawn.account_id, drawn.token_id, drawn.epoch)
        number = unseal_number(drawn.sealed, cipher, bound_to)
        log.info("card opened", account=drawn.account_id, token=drawn.token_id, purpose=purpose.value)
        try:
            yield OpenCard(number, drawn.expiry)
        finally:
            number.destroy()

    def revoke_in(
        self, connection: Connection, account: AccountId, token_id: TokenId, now: datetime
    ) -> StoredToken:
        """`revoke` within the caller's transaction."""
        for _ in range(RIVAL_TRIES):
            token = store.find(connection, account, token_id)
            if token is None:
                raise TokenNotFoundError
            if token.state is TokenState.REVOKED:
                return token
            self._change(connection, token, TokenEvent.REVOKE, now)
        raise AssertionError("unreachable: a token changes state three times at most")

    def drop_in(self, connection: Connection, account: AccountId, token_id: TokenId, now: datetime) -> None:
        """Revoke a token whose first payment left it unwanted, within the caller's transaction, unless it was given out again meanwhile."""
        token = store.find(connection, account, token_id)
        if token is None or token.state is TokenState.REVOKED:
            return
        if token.usage is TokenUsage.MULTI and not store.hold_unshared(connection, token):
            return
        self.revoke_in(connection, account, token_id, now)

    async def sweep(self, now: datetime) -> int:
        """Expire and shred single-use tokens whose time is up; the number done. Called every minute or so by every node."""

        def expire(connection: Connection) -> int:
            due = store.out_of_time(connection, now, SWEEP_BATCH)
            return sum(self._change(connection, token, TokenEvent.EXPIRE, now) for token in due)

        return await self._database.transact(expire)

    async def _arrival(
        self, account: AccountId, number: CardNumber, expiry: Expiry, usage: TokenUsage, now: datetime
    ) -> Arrival:
        """The card, sealed under the keys in force and bound to a new token id."""
        keys = await self._keys.of(account, now)
        token_id = TokenId(make_secret_id(TOKEN, self._entropy))
        token = _new_token(account, token_id, number, expiry, usage=usage, now=now)
        bound_to = associated_data(account, token_id, keys.epoch)
        looked_for = (keys.index_key, *keys.older_index_keys) if usage is TokenUsage.MULTI else ()
        sealed, indexes = seal_and_index(
            number, keys.cipher, random_bytes(NONCE_LENGTH), bound_to, looked_for
        )
        return Arrival(
            token,
            SealedCard(account, token_id, keys.epoch, sealed, expiry),
            keys,
            index=indexes[0] if indexes else None,
            older_indexes=indexes[1:],
            at=now,
        )

    def _keep(self, connection: Connection, arrivals: Sequence[Arrival]) -> list[StoredToken]:
        return keep_all(connection, arrivals, self._keys.confirm)

    def _change(self, connection: Connection, token: StoredToken, event: TokenEvent, now: datetime) -> bool:
        """Carry out a transition and enter it into the audit log; False when another transaction was first."""
        done = store.change(connection, token, event, now)
        if done:
            account, subject = token.account_id, token.token_id
            record(connection, ACTIONS[event], at=now, account=account, subject=subject)
        return done


def _new_token(
    account: AccountId,
    token_id: TokenId,
    number: CardNumber,
    expiry: Expiry,
    *,
    usage: TokenUsage,
    now: datetime,
) -> StoredToken:
    issuer = number.issuer
    if issuer is None:
        raise ValueError("card_number: belongs to no scheme")
    return StoredToken(
        account_id=account,
        token_id=token_id,
        usage=usage,
        state=TokenState.ACTIVE,
        brand=issuer.brand,
        first6=number.first6,
        last4=number.last4,
        length=number.length,
        expiry=expiry,
        created_at=now,
        expires_at=now + SINGLE_USE_LIFETIME if usage is TokenUsage.SINGLE else None,
        replaced_by=None,
    )
