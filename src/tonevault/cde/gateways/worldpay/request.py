"""The bodies of requests. In place of a card's digits they hold blanks, which the line fills as it writes."""

import json
from typing import Final

from tonevault.cde.blanks import Lent
from tonevault.cde.gateway import Authorisation, BillingDetails, Channel, Initiator
from tonevault.cde.gateways.worldpay.settings import WorldpayAccess
from tonevault.kernel.money import Money

Document = dict[str, object]
"""A JSON object."""

NARRATIVE_LIMIT: Final = 24
UNKNOWN_LINE: Final = "N/A"
"""The API wants a street and a town where only the postal code is known; issuers compare neither with the town."""


def takes_in_two_steps(request: Authorisation) -> bool:
    """Whether to hold first and take once the postal code is known to match.

    Worldpay cancels by itself where *any* part of the address does not match. With a postal code alone the street never
    does, so the decision is ours: hold, look at the postal code, then settle or cancel.
    """
    billing = request.card.billing
    return billing.postal_code is not None and billing.address_line is None


def payment_body(request: Authorisation, access: WorldpayAccess, card: Lent) -> bytes:
    """The body of `POST /api/payments`, with blanks for the card's digits."""
    expiry = request.card.expiry
    instrument: Document = {
        "type": "plain",
        "cardNumber": card.number,
        "expiryDate": {"month": expiry.month, "year": expiry.year},
    }
    if card.security_code is not None:
        instrument["cvc"] = card.security_code
    if (address := _address(request.card.billing, access.country)) is not None:
        instrument["billingAddress"] = address
    document: Document = {
        "transactionReference": request.reference,
        "merchant": {"entity": access.entity},
        "channel": "moto" if request.terms.channel is Channel.TELEPHONE else "ecom",
        "instruction": {**_instruction(request, access), "paymentInstrument": instrument},
    }
    return json.dumps(document).encode()


def follow_up_body(reference: str, money: Money) -> bytes:
    """The body of a partial settlement or refund, under our reference."""
    return json.dumps({"reference": reference, "value": value(money)}).encode()


def value(money: Money) -> Document:
    """An amount as the API writes it."""
    return {"currency": money.currency, "amount": money.amount_minor}


def _instruction(request: Authorisation, access: WorldpayAccess) -> Document:
    auto = request.terms.take_now and request.money.amount_minor > 0 and not takes_in_two_steps(request)
    instruction: Document = {
        "method": "card",
        "narrative": {"line1": access.narrative[:NARRATIVE_LIMIT]},
        "value": value(request.money),
        "settlement": {"auto": auto},
    }
    if (agreement := _agreement(request)) is not None:
        instruction["customerAgreement"] = agreement
    return instruction


def _agreement(request: Authorisation) -> Document | None:
    terms = request.terms
    if terms.initiator is Initiator.CUSTOMER:
        return {"type": "cardOnFile", "storedCardUsage": "first"} if terms.keeps_card else None
    agreement: Document = {
        "type": "subscription" if terms.initiator is Initiator.RECURRING else "unscheduled",
        "storedCardUsage": "subsequent",
    }
    if terms.scheme_reference is not None:
        agreement["schemeReference"] = terms.scheme_reference
    return agreement


def _address(billing: BillingDetails, country: str) -> Document | None:
    if billing.postal_code is None and billing.address_line is None:
        return None
    address: Document = {
        "address1": billing.address_line or UNKNOWN_LINE,
        "city": UNKNOWN_LINE,
        "countryCode": country,
    }
    if billing.postal_code is not None:
        address["postalCode"] = billing.postal_code
    return address
