"""The answer that an outcome gives to a request: checks are reported for what was given alone. Pure."""

from typing import Final

from tonevault.cde.gateway import Authorisation, Check, Code, GatewayAnswer, Kind, Verdict
from tonevault.cde.gateways.simulator.outcomes import Given, Outcome

KNOWN_POSTAL_CODE: Final = "10001"
"""The postal code that the issuer of the mismatch cards has on file, so that a correction can succeed."""
KNOWN_ADDRESS: Final = "1 Main Street"
"""The same for the first line of the address; capitals and spaces at the ends do not matter."""
MONEY_CODES: Final = frozenset({Code.INSUFFICIENT_FUNDS, Code.LIMIT_EXCEEDED})
"""Reasons that a check for no money does not meet."""


def decide(outcome: Outcome, request: Authorisation, kind: Kind) -> GatewayAnswer:
    """What the gateway answers, but for its references."""
    verdict, code = outcome.verdict, outcome.code
    if verdict is Verdict.FAILED:
        return GatewayAnswer(verdict, code=code)
    card = request.card
    address = card.billing.address_line
    wrong = {
        Given.CODE: outcome.when_given is Given.CODE and card.security_code is not None,
        Given.POSTAL: outcome.when_given in (Given.POSTAL, Given.ADDRESS_AND_POSTAL)
        and card.billing.postal_code not in (None, KNOWN_POSTAL_CODE),
        Given.ADDRESS: outcome.when_given in (Given.ADDRESS, Given.ADDRESS_AND_POSTAL)
        and address is not None
        and address.strip().casefold() != KNOWN_ADDRESS.casefold(),
    }
    if outcome.when_given is not None and not any(wrong.values()):
        verdict, code = Verdict.APPROVED, None
    elif wrong[Given.POSTAL] and not wrong[Given.ADDRESS]:
        code = Code.POSTAL_CODE_MISMATCH
    if kind is Kind.VERIFICATION and code in MONEY_CODES:
        verdict, code = Verdict.APPROVED, None
    return GatewayAnswer(
        verdict,
        code=code,
        security_code_check=_check(given=card.security_code is not None, wrong=wrong[Given.CODE]),
        postal_code_check=_check(given=card.billing.postal_code is not None, wrong=wrong[Given.POSTAL]),
        address_check=_check(given=address is not None, wrong=wrong[Given.ADDRESS]),
        taken=request.terms.take_now and kind is Kind.PAYMENT,
    )


def _check(*, given: bool, wrong: bool) -> Check:
    if not given:
        return Check.NOT_GIVEN
    return Check.FAILED if wrong else Check.PASSED
