"""The form that corrects an address after a decline for it: which parts, and what is still missing for another run. Pure."""

from dataclasses import dataclass
from typing import Final

from tonevault.boundary.captures import Billing, BillingPart, FieldName, FieldState
from tonevault.desk.sessions.model import Session
from tonevault.desk.sessions.service import Correction
from tonevault.desk.web.clean_text import Body, CleanWords

TITLES: Final[dict[tuple[BillingPart, ...], str]] = {
    (BillingPart.POSTAL_CODE,): "The postal code does not match",
    (BillingPart.ADDRESS,): "The address does not match",
}
BOTH: Final = "The postal code and the address do not match"
DETAIL: Final = (
    "No money has moved and no card was kept. Correct it and charge again; the card number is still in hand."
)


@dataclass(frozen=True, slots=True)
class CorrectionForm:
    """What to ask for. `needs_code`: the security code is spent, and has to be captured again or left out by word."""

    title: str
    detail: str
    postal_code: bool
    address_line: bool
    needs_code: bool


class CorrectionBody(Body):
    """As the browser sends it: empty where nothing was typed."""

    postal_code: CleanWords = ""
    address_line: CleanWords = ""
    without_security_code: CleanWords = ""

    def correction(self) -> Correction:
        """As the service takes it. Raises pydantic's ValidationError for a postal code that is none."""
        billing = Billing(postal_code=self.postal_code or None, address_line=self.address_line or None)
        return Correction(billing, without_security_code=bool(self.without_security_code))


def correction_of(session: Session) -> CorrectionForm | None:
    """The form, where the session waits for it."""
    if not session.mismatch:
        return None
    code = next((each for each in session.fields if each.name is FieldName.SECURITY_CODE), None)
    return CorrectionForm(
        TITLES.get(session.mismatch, BOTH),
        DETAIL,
        postal_code=BillingPart.POSTAL_CODE in session.mismatch,
        address_line=BillingPart.ADDRESS in session.mismatch,
        needs_code=code is not None and code.state is not FieldState.CAPTURED,
    )
