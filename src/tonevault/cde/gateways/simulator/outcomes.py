"""What the simulated gateway can do with a payment: each outcome by name, with its delay, its silence and what a look-up finds."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from tonevault.cde.gateway import Code, Verdict

LOOK_UP_LAG_S: Final = 20.0
"""How late the lagging payments show in look-ups: within the adapter's declared visibility lag, as a real gateway's are."""
SILENT_LOOK_UP_S: Final = 20.0
"""How long look-ups of the silent payments get no answer either."""


class Given(Enum):
    """What a request must hold for an outcome to strike; without it the payment is approved."""

    CODE = "code"
    POSTAL = "postal"
    ADDRESS = "address"
    ADDRESS_AND_POSTAL = "address and postal"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One behaviour. `arrives`: the request reaches the gateway; `answers`: its answer comes back before the time-out.

    `when_given`: it strikes only when that is sent, and wrong.
    """

    story: str
    verdict: Verdict = Verdict.APPROVED
    code: Code | None = None
    delay_s: float = 0.0
    arrives: bool = True
    answers: bool = True
    look_up_lag_s: float = 0.0
    silent_look_up_s: float = 0.0
    when_given: Given | None = None


def _decline(code: Code, story: str) -> Outcome:
    return Outcome(story, Verdict.DECLINED, code)


APPROVED: Final = Outcome("Approved.")
INSUFFICIENT_FUNDS: Final = _decline(Code.INSUFFICIENT_FUNDS, "Declined: not enough money.")
DO_NOT_HONOUR: Final = _decline(Code.DO_NOT_HONOUR, "Declined: the issuer gives no reason.")
LOST_CARD: Final = _decline(Code.LOST_CARD, "Declined: reported lost.")
STOLEN_CARD: Final = _decline(Code.STOLEN_CARD, "Declined: reported stolen.")
EXPIRED_CARD: Final = _decline(Code.EXPIRED_CARD, "Declined: the issuer says it has expired.")
LIMIT_EXCEEDED: Final = _decline(Code.LIMIT_EXCEEDED, "Declined: too much or too often today.")
INCORRECT_SECURITY_CODE: Final = Outcome(
    "Declined when a security code is given: it is wrong. Approved without one.",
    Verdict.DECLINED,
    Code.INCORRECT_SECURITY_CODE,
    when_given=Given.CODE,
)
POSTAL_CODE_MISMATCH: Final = Outcome(
    "Declined when a postal code other than 10001 is given: it is not the card holder's. Approved without one.",
    Verdict.DECLINED,
    Code.POSTAL_CODE_MISMATCH,
    when_given=Given.POSTAL,
)
ADDRESS_MISMATCH: Final = Outcome(
    "Declined when an address other than `1 Main Street` is given: it is not the card holder's. Approved without one.",
    Verdict.DECLINED,
    Code.ADDRESS_MISMATCH,
    when_given=Given.ADDRESS,
)
ADDRESS_AND_POSTAL_MISMATCH: Final = Outcome(
    "Both of the above at once: declined until postal code and address are right, or not given.",
    Verdict.DECLINED,
    Code.ADDRESS_MISMATCH,
    when_given=Given.ADDRESS_AND_POSTAL,
)
ACQUIRER_REJECTED: Final = _decline(
    Code.ACQUIRER_REJECTED, "Declined: the acquirer's own rules refuse it before the issuer is asked."
)
FRAUD_SUSPECTED: Final = _decline(Code.FRAUD_SUSPECTED, "Declined: the issuer suspects fraud.")
CONSENT_REVOKED: Final = _decline(
    Code.CONSENT_REVOKED, "Declined: the card holder has stopped this merchant's payments."
)
TRY_AGAIN_LATER: Final = _decline(Code.TRY_AGAIN_LATER, "Declined: the issuer asks to try again later.")
PROCESSING_ERROR: Final = Outcome(
    "Failed: the gateway refuses the request; certainly no money moved.",
    Verdict.FAILED,
    Code.PROCESSING_ERROR,
)
SLOW: Final = Outcome("Approved after 2 seconds.", delay_s=2.0)
SLOWER: Final = Outcome("Approved after 5 seconds.", delay_s=5.0)
TIMEOUT_APPROVED: Final = Outcome("Times out; a look-up finds it approved.", answers=False)
TIMEOUT_DECLINED: Final = Outcome(
    "Times out; a look-up finds it declined.", Verdict.DECLINED, Code.DO_NOT_HONOUR, answers=False
)
TIMEOUT_LOST: Final = Outcome(
    "Times out; it never arrived, look-ups say *not found*, and the charge fails (`never_arrived`).",
    arrives=False,
    answers=False,
)
TIMEOUT_LAGGING: Final = Outcome(
    f"Times out; look-ups say *not found* for {LOOK_UP_LAG_S:.0f} seconds, then approved.",
    answers=False,
    look_up_lag_s=LOOK_UP_LAG_S,
)
TIMEOUT_SILENT: Final = Outcome(
    f"Times out; look-ups get no answer for {SILENT_LOOK_UP_S:.0f} seconds, then approved.",
    answers=False,
    silent_look_up_s=SILENT_LOOK_UP_S,
)
