"""How the double's processor and gateway spell each decline in Braintree's words."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.gateway import Check
from tonevault.cde.gateway_codes import FINAL, Code
from tonevault.testing.gateways.behaviour import Behaviour

LETTERS: Final = {Check.PASSED: "M", Check.FAILED: "N", Check.UNAVAILABLE: "U", Check.NOT_GIVEN: "I"}
"""AVS and CVV response codes."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """A processor's response code, or a rule of the gateway's that refused."""

    response: str | None = None
    hard: bool = False
    rejection: str | None = None

    @property
    def status(self) -> str:
        """The status of the transaction."""
        return "gateway_rejected" if self.rejection else "processor_declined"


_RESPONSES: Final[dict[Code, str]] = {
    Code.DO_NOT_HONOUR: "2000",
    Code.INSUFFICIENT_FUNDS: "2001",
    Code.LIMIT_EXCEEDED: "2002",
    Code.EXPIRED_CARD: "2004",
    Code.INVALID_CARD: "2005",
    Code.LOST_CARD: "2012",
    Code.STOLEN_CARD: "2013",
    Code.FRAUD_SUSPECTED: "2014",
    Code.NOT_PERMITTED: "2015",
    Code.CONSENT_REVOKED: "2017",
    Code.PROCESSING_ERROR: "2033",
    Code.TRY_AGAIN_LATER: "2046",
    Code.CURRENCY_NOT_SUPPORTED: "2064",
    Code.AUTHENTICATION_REQUIRED: "2099",
}
_REJECTIONS: Final[dict[Code, str]] = {
    Code.POSTAL_CODE_MISMATCH: "avs",
    Code.ADDRESS_MISMATCH: "avs",
    Code.INCORRECT_SECURITY_CODE: "cvv",
    Code.ACQUIRER_REJECTED: "risk_threshold",
    Code.DUPLICATE_TRANSACTION: "duplicate",
}


def spelling(behaviour: Behaviour) -> Spelling | None:
    """The decline that a behaviour asks for; None where it asks for none. `native`: a response code, or a rejection's name."""
    if behaviour.native is not None:
        if behaviour.native.isdigit():
            return Spelling(behaviour.native, hard=behaviour.decline in FINAL)
        return Spelling(rejection=behaviour.native)
    if behaviour.decline is None:
        return None
    if behaviour.decline in _REJECTIONS:
        return Spelling(rejection=_REJECTIONS[behaviour.decline])
    return Spelling(_RESPONSES.get(behaviour.decline, "2046"), hard=behaviour.decline in FINAL)
