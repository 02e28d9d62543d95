"""What follows a capture: the card is vaulted, then charged where there is an amount. Never takes a decline for a fault of the vault."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from tonevault.boundary.charges import Amount, ChargeRequest, ChargeResult, Initiator, Taking
from tonevault.boundary.tokens import TokenUsage, TokenView
from tonevault.cde.charging.charge import new_charge
from tonevault.cde.charging.errors import IdempotencyMismatchError
from tonevault.cde.charging.model import NO_GATEWAY, Fault
from tonevault.cde.charging.service import Cashier, Circumstances
from tonevault.cde.gateway import NO_BILLING, BillingDetails
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.service import Vault
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, ChargeId, TokenId
from tonevault.plumbing.log import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CapturedCard:
    """What a capture has in hand. `number` stays the capture's to destroy; `security_code` is destroyed by the completion."""

    number: CardNumber
    expiry: Expiry
    security_code: SecurityCode | None = None
    billing: BillingDetails = NO_BILLING


@dataclass(frozen=True, slots=True)
class Sale:
    """What to charge once the card is vaulted; an amount of nothing verifies the card, where the gateway can.

    `call_off_at`: when nobody waits for it any more.
    """

    charge_id: ChargeId
    amount: Amount
    description: str = ""
    capture: Taking = Taking.AUTOMATIC
    call_off_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The card was vaulted. `token` is None only where an address mismatch on this first payment dropped it."""

    token: TokenView | None
    existing: bool
    charge: ChargeResult | None


@dataclass(frozen=True, slots=True)
class NotTokenised:
    """No token could be made (`tokenization_failed`): nothing was kept, and no money moved."""


class Completion:
    """Ends a capture: one card in, one outcome out."""

    def __init__(self, vault: Vault, cashier: Cashier, clock: Clock) -> None:
        self._vault = vault
        self._cashier = cashier
        self._clock = clock

    async def vault_and_charge(
        self,
        account: AccountId,
        card: CapturedCard,
        *,
        usage: TokenUsage = TokenUsage.MULTI,
        sale: Sale | None = None,
        replaces: TokenId | None = None,
    ) -> Completed | NotTokenised:
        """Vault the card and, where there is a sale, charge it; the same charge id again answers what it did the first time.

        With `replaces`, a token that is kept becomes the successor of that one, whose card is shredded.
        Raises IdempotencyMismatchError when the charge id stands for something else. The security code is destroyed in any case.
        """
        try:
            if sale is not None and (earlier := await self._earlier(account, sale)) is not None:
                return earlier
            now = self._clock.utc()
            try:
                token, existing = await self._vault.tokenise(account, card.number, card.expiry, usage, now)
            except Exception as error:  # noqa: BLE001 - keys, database, a number that fails: each leaves no token
                log.error("a card could not be tokenised", account=account, error=type(error).__name__)  # noqa: TRY400
                return NotTokenised()
            if sale is None or not self._is_wanted(account, sale):
                await self._replace(account, replaces, token)
                return Completed(token, existing, None)
            charge = await self._charge(token, card, sale, existing=existing)
            kept = await self._token_after(charge)
            await self._replace(account, replaces, kept)
            return Completed(kept, existing, charge)
        finally:
            if card.security_code is not None:
                card.security_code.destroy()

    async def _replace(self, account: AccountId, old: TokenId | None, kept: TokenView | None) -> None:
        """A new card takes an old one's place once it is kept; what cannot be replaced any more is left as it is."""
        if old is not None and kept is not None and kept.usage is TokenUsage.MULTI:
            await self._cashier.tokens.replace(account, old, kept.token_id, self._clock.utc())

    def _is_wanted(self, account: AccountId, sale: Sale) -> bool:
        """A gateway that cannot verify leaves a card unverified: it is kept all the same."""
        return bool(sale.amount.amount_minor) or self._cashier.can_verify(account)

    async def _charge(
        self, token: TokenView, card: CapturedCard, sale: Sale, *, existing: bool
    ) -> ChargeResult:
        request = ChargeRequest(
            charge_id=sale.charge_id,
            account_id=token.account_id,
            token_id=token.token_id,
            amount=sale.amount,
            description=sale.description,
            capture=sale.capture,
            initiator=Initiator.CUSTOMER,
        )
        circumstances = Circumstances(
            billing=card.billing,
            first_payment=not existing,
            keeps_card=token.usage is TokenUsage.MULTI,
            call_off_at=sale.call_off_at,
        )
        try:
            return await self._cashier.charge(request, card.security_code, circumstances)
        except SQLAlchemyError as error:
            # Only what comes before the sending raises: no row was committed, or one that never left and will be failed.
            log.error("a charge could not be begun", account=token.account_id, error=type(error).__name__)  # noqa: TRY400
            now = self._clock.utc()
            return new_charge(request, NO_GATEWAY, now, token_new=not existing, fault=Fault.NOT_SENT).result()

    async def _earlier(self, account: AccountId, sale: Sale) -> Completed | None:
        """What a charge of this id came to before: a completion that is repeated must not vault or charge again."""
        charge = await self._cashier.find(account, sale.charge_id)
        if charge is None:
            return None
        if (charge.amount, charge.description) != (sale.amount, sale.description):
            raise IdempotencyMismatchError
        result = charge.result()
        return Completed(await self._token_after(result), not charge.token_new, result)

    async def _token_after(self, charge: ChargeResult) -> TokenView | None:
        """The token as the charge left it: consumed where it was single-use, none where the charge dropped it."""
        if charge.token_id is None:
            return None
        return await self._vault.token(charge.account_id, charge.token_id, self._clock.utc())
