"""The double's issuer: one attempt on a card, as a charge or setup attempt with its checks, and the decline where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass

from tonevault.cde.gateway import Check
from tonevault.testing.gateways.behaviour import Behaviour
from tonevault.testing.gateways.ledger import Document
from tonevault.testing.gateways.stripe.declines import Spelling, spelling

_WORDS = {Check.PASSED: "pass", Check.FAILED: "fail", Check.UNAVAILABLE: "unavailable", Check.NOT_GIVEN: None}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the issuer, or a rule before it, said."""

    attempt: dict[str, object]
    decline: Spelling | None

    @property
    def error(self) -> dict[str, object] | None:
        """The intent's `last_payment_error`."""
        if self.decline is None:
            return None
        error: dict[str, object] = {"type": "card_error", "code": self.decline.code, "message": "Declined."}
        if self.decline.decline_code:
            error["decline_code"] = self.decline.decline_code
        if self.decline.advice_code:
            error["advice_code"] = self.decline.advice_code
        return error


def ask(
    attempt_id: str, method: Document, behaviour: Behaviour, metadata: Mapping[str, str], more: Document
) -> Attempt:
    """Ask the issuer."""
    decline = spelling(behaviour)
    attempt: dict[str, object] = {
        "id": attempt_id,
        "status": "failed" if decline else "succeeded",
        "metadata": metadata,
        "outcome": _outcome(decline),
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": "visa",
                "last4": method["last4"],
                "network_transaction_id": None if decline else f"nti{attempt_id[3:18]}",
                "checks": {
                    "cvc_check": _check(behaviour.security_code, given=method["cvc"] is True),
                    "address_postal_code_check": _check(
                        behaviour.postal_code, given=method["postal_code"] is not None
                    ),
                    "address_line1_check": _check(behaviour.address, given=method["line1"] is not None),
                },
            },
        },
        **more,
    }
    return Attempt(attempt, decline)


def _check(asked: Check | None, *, given: bool) -> str | None:
    return _WORDS[asked or Check.PASSED] if given else None


def _outcome(decline: Spelling | None) -> dict[str, object]:
    if decline is None:
        return {"type": "authorized", "network_status": "approved_by_network", "reason": None}
    if decline.blocked:
        return {"type": "blocked", "network_status": "not_sent_to_network", "reason": "rule"}
    return {
        "type": "issuer_declined",
        "network_status": "declined_by_network",
        "reason": decline.decline_code,
    }
