"""From a captured card to an outcome: hands the card to the till, sees that it is destroyed, and reads what a crash left behind."""

from tonevault.boundary.captures import CaptureRequest
from tonevault.boundary.charges import ChargeResult
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.tokens import TokenView
from tonevault.cde.capture.model import Outcome
from tonevault.cde.capture.ports import ChargeBook, Till, TokenBook
from tonevault.cde.charging.completion import CapturedCard, Completed, Sale
from tonevault.cde.gateway import CardInHand
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, ChargeId
from tonevault.plumbing.log import get_logger

log = get_logger(__name__)


class Finisher:
    """Never raises: whatever goes wrong is an outcome."""

    def __init__(self, till: Till, charges: ChargeBook, tokens: TokenBook, clock: Clock) -> None:
        self._till = till
        self._charges = charges
        self._tokens = tokens
        self._clock = clock

    async def finish(self, request: CaptureRequest, card: CardInHand) -> Outcome:
        """Vault the card and charge it where the session has an amount. The code is zeroed when this returns; the number is not."""
        sale = None
        if request.amount is not None and request.charge_id is not None:
            sale = Sale(
                request.charge_id,
                request.amount,
                request.description,
                capture=request.capture,
                call_off_at=request.expires_at,
            )
        captured = CapturedCard(card.number, card.expiry, card.security_code, card.billing)
        try:
            result = await self._till.vault_and_charge(
                request.account_id, captured, usage=request.token_usage, sale=sale, replaces=request.replaces
            )
        except Exception as error:  # noqa: BLE001 - a fault here must leave a session that says so, not one that hangs
            log.error(  # noqa: TRY400 - a traceback could show what was in hand
                "a capture could not be completed", session=request.session_id, error=type(error).__name__
            )
            # A charge of this id that is ours may have been begun; one that is not is refused by its own error.
            mine = not isinstance(error, SecureZoneError)
            known = await self.standing(request.account_id, request.charge_id) if mine else None
            return known or Outcome(None)
        finally:
            # PCI DSS 3.3.1: whatever came of it, the code is gone. The number is the session's to keep or to destroy.
            if card.security_code is not None:
                card.security_code.destroy()
        if isinstance(result, Completed):
            return Outcome(result.token, result.existing, result.charge)
        return Outcome(None)

    async def standing(self, account: AccountId, charge_id: ChargeId | None) -> Outcome | None:
        """What a charge came to, if it was ever begun."""
        if charge_id is None:
            return None
        try:
            charge = await self._charges.charge_result(account, charge_id)
            return Outcome(await self._token_of(charge), existing=False, charge=charge)
        except Exception as error:  # noqa: BLE001 - not found, or a database that is away: nothing is known either way
            log.info("no charge stands for a capture", charge=charge_id, error=type(error).__name__)
            return None

    async def _token_of(self, charge: ChargeResult) -> TokenView | None:
        if charge.token_id is None:
            return None
        return await self._tokens.token(charge.account_id, charge.token_id, self._clock.utc())
