"""What gateways tell by webhook: a hint to look an attempt up now. Never believed for money, so duplicates and any order are harmless.

No event's id is kept: whatever a gateway puts into one, what is known again is its keyed digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from tonevault.cde.charging import jobs, store
from tonevault.cde.charging.model import Attempt
from tonevault.cde.gateway import Feature, Gateway, Hint, HintAbout
from tonevault.cde.schema import GATEWAY_EVENT
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.keyed_digest import DigestPurpose
from tonevault.cde.vault.lifecycle import TokenLife, last_four
from tonevault.cde.vault.service import Vault
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.insert import insert_if_absent
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

KEPT: Final = timedelta(days=7)
"""Longer than any gateway repeats a webhook (Stripe: three days)."""
MONTHS: Final = range(1, 13)

log = get_logger(__name__)


class NoSuchWebhookError(Exception):
    """The account has no gateway of this name that sends webhooks."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a webhook came to: `fresh` hints that were not known, of which `hastened` made an attempt be looked up now."""

    fresh: int = 0
    hastened: int = 0


class GatewayHints:
    """Verifies webhooks through the account's own gateway, and hastens what they speak of."""

    def __init__(
        self,
        database: Database,
        gateways: Mapping[AccountId, Gateway],
        clock: Clock,
        tokens: TokenLife,
        vault: Vault,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._clock = clock
        self._tokens = tokens
        self._vault = vault

    async def receive(
        self, account: AccountId, gateway_name: str, headers: Mapping[str, str], body: bytes
    ) -> Heard:
        """Take a webhook in. Raises NoSuchWebhookError, WebhookRefusedError where it is not the gateway's own, KeyCustodyError."""
        gateway = self._gateways.get(account)
        if gateway is None or gateway.traits.name != gateway_name or not gateway.traits.has(Feature.WEBHOOK):
            raise NoSuchWebhookError
        now = self._clock.utc()
        fresh = hastened = 0
        for hint in gateway.heard(headers, body, now):
            is_new, was_hastened = await self.heard(account, gateway_name, hint, now)
            fresh += is_new
            hastened += was_hastened
        return Heard(fresh, hastened)

    async def heard(
        self, account: AccountId, gateway_name: str, hint: Hint, now: datetime
    ) -> tuple[bool, bool]:
        """Take one verified hint in: whether it is new, and whether an attempt is looked up now because of it. Raises KeyCustodyError."""
        parts = (gateway_name, hint.event_id)
        digests = await self._vault.digests(account, DigestPurpose.GATEWAY_EVENT, parts, now)
        is_new, hastened, attempt = await self._database.transact(
            lambda c: _take(c, account, gateway_name, hint, digests=digests, now=now)
        )
        if is_new:
            log.info(
                "webhook",
                account=account,
                gateway=gateway_name,
                about=hint.about.value,
                charge=attempt.charge_id if attempt else None,
            )
            if hint.about is HintAbout.DISPUTE:
                log.warning("a payment is disputed", account=account, charge=attempt and attempt.charge_id)
            if hint.about is HintAbout.CARD_UPDATED and attempt is not None:
                await self._update_card(attempt, hint, now)
        return is_new, hastened

    async def _update_card(self, attempt: Attempt, hint: Hint, now: datetime) -> None:
        """The issuer has renewed the card of a payment: a later expiry, or another number, which has to be captured first."""
        account = attempt.account_id
        charge = await self._database.read(lambda c: store.find_charge(c, account, attempt.charge_id))
        if charge is None:
            return
        known = await self._database.read(lambda c: last_four(c, account, charge.token_id))
        if hint.last4 is not None and known is not None and hint.last4 != known:
            await self._tokens.replace(account, charge.token_id, None, now)
        elif hint.exp_month is not None and hint.exp_year is not None and hint.exp_month in MONTHS:
            expiry = Expiry(hint.exp_month, hint.exp_year)
            await self._tokens.update_expiry(account, charge.token_id, expiry, now)

    async def forget_old(self, now: datetime) -> None:
        """Part of the regular sweep."""
        old = delete(GATEWAY_EVENT).where(GATEWAY_EVENT.c.heard_at < now - KEPT)
        await self._database.transact(lambda c: c.execute(old))


def _take(
    connection: Connection,
    account: AccountId,
    gateway: str,
    hint: Hint,
    *,
    digests: Sequence[bytes],
    now: datetime,
) -> tuple[bool, bool, Attempt | None]:
    attempt = None
    if hint.reference is not None:
        attempt = store.find_attempt(connection, account, hint.reference)
    if attempt is None and hint.gateway_reference is not None:
        attempt = store.find_by_gateway_reference(connection, account, gateway, hint.gateway_reference)
    row = {
        "account_id": account,
        "gateway": gateway,
        "about": hint.about.value,
        "attempt_id": attempt.attempt_id if attempt else None,
        "heard_at": now,
    }
    is_new = _remember(connection, row, digests)
    if not is_new or attempt is None or attempt.silent_since is None or attempt.state.is_settled:
        # One that is still being sent gets its answer on its own line; one that is settled needs none.
        return is_new, False, attempt
    return is_new, jobs.hasten(connection, account, attempt.attempt_id, now), attempt


def _remember(connection: Connection, row: dict[str, Any], digests: Sequence[bytes]) -> bool:
    """Whether the event is new. Of an account whose keys were shredded nothing is remembered: no payment of it can begin."""
    if not digests:
        return True
    newest, *older = digests
    if older:
        # While the index key is renewed, what was heard before stands under the key before.
        known = select(GATEWAY_EVENT.c.heard_at).where(
            GATEWAY_EVENT.c.account_id == row["account_id"],
            GATEWAY_EVENT.c.gateway == row["gateway"],
            GATEWAY_EVENT.c.event_digest.in_(older),
        )
        if connection.execute(known).first() is not None:
            return False
    return insert_if_absent(connection, GATEWAY_EVENT, {**row, "event_digest": newest})
