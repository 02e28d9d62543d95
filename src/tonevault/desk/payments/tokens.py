"""Tokens: read from the vault where it answers, from the desk's mirror where it does not; revoked in the vault alone."""

from http import HTTPStatus

from sqlalchemy import Connection

from tonevault.boundary.secure_zone import SecureZone
from tonevault.boundary.tokens import TokenView
from tonevault.desk.events.model import Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.payments import store
from tonevault.desk.payments.mirror import PaymentMirror
from tonevault.desk.payments.model import CardToken, token_of
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.refusal import Refusal, asking_the_secure_zone, not_found
from tonevault.kernel.ids import AccountId, CustomerId, TokenId
from tonevault.plumbing.sql import Database


class TokenService:
    """The tokens of every account."""

    def __init__(
        self,
        database: Database,
        zone: SecureZone,
        events: EventService,
        mirror: PaymentMirror,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._zone = zone
        self._events = events
        self._mirror = mirror
        self._audit = audit

    async def get(self, account_id: AccountId, token_id: TokenId) -> CardToken:
        """One token, from the desk's mirror where the vault does not answer."""
        try:
            return await self.get_fresh(account_id, token_id)
        except Refusal as refusal:
            known = await self._database.read(lambda c: store.find_token(c, account_id, token_id))
            if refusal.status != HTTPStatus.SERVICE_UNAVAILABLE or known is None:
                raise
            return known

    async def get_fresh(self, account_id: AccountId, token_id: TokenId) -> CardToken:
        """One token as it stands now: it may have expired or been consumed since the desk last heard of it.

        Raises Refusal `not_found` or `secure_zone_unreachable`.
        """
        with asking_the_secure_zone():
            view = await self._zone.token(account_id, token_id)
        return await self._take(account_id, view)

    async def page(
        self, account_id: AccountId, request: PageRequest, customer_id: CustomerId | None = None
    ) -> Page[CardToken]:
        """Tokens, newest first, as the desk last heard of them."""
        return await self._database.read(lambda c: store.page_of_tokens(c, account_id, request, customer_id))

    async def revoke(self, account_id: AccountId, token_id: TokenId, actor: str) -> CardToken:
        """End a token for good; the vault shreds the card. Harmless when it is revoked."""
        with asking_the_secure_zone():
            view = await self._zone.revoke_token(account_id, token_id)
        await self._database.transact(
            lambda c: self._audit.append(c, account_id, actor, "revoke_token", subject=token_id)
        )
        return await self._take(account_id, view)

    async def take(self, view: TokenView) -> None:
        """Take in a report of the vault."""
        await self._take(view.account_id, view)

    async def _take(self, account_id: AccountId, view: TokenView) -> CardToken:
        def save(connection: Connection) -> tuple[CardToken | None, list[Numbered]]:
            events = self._mirror.token(connection, account_id, view)
            return store.find_token(connection, account_id, view.token_id), events

        known = await self._database.read(lambda c: store.find_token(c, account_id, view.token_id))
        if known is not None and known == token_of(view, known.customer_id):
            return known
        token, events = await self._database.transact(save)
        self._events.publish(account_id, events)
        if token is None:
            raise not_found("token")
        return token
