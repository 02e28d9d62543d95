"""What is sent to Braintree: parameters from requests of the port. A card's digits are blanks here, never the digits."""

from typing import Final

from tonevault.cde.blanks import Lent
from tonevault.cde.gateway import Authorisation, Channel, Initiator, Terms
from tonevault.cde.gateways.braintree.answers import amount_text

Params = dict[str, "str | bool | Params"]

SOURCES: Final = {Initiator.RECURRING: "recurring", Initiator.UNSCHEDULED: "unscheduled"}
"""`transaction_source` of payments that the merchant starts."""


def sale(request: Authorisation, merchant_account: str, blanks: Lent) -> Params:
    """A sale, settled at once or only held. `order_id` is our reference, by which it is found again."""
    terms = request.terms
    params: Params = {
        "amount": amount_text(request.money),
        "order_id": request.reference,
        "merchant_account_id": merchant_account,
        "credit_card": _card(request, blanks),
        "options": {"submit_for_settlement": terms.take_now},
    }
    if billing := _billing(request):
        params["billing"] = billing
    if source := _source(terms):
        params["transaction_source"] = source
    if vault := _vault(terms):
        params["external_vault"] = vault
    return params


def verification(request: Authorisation, merchant_account: str, blanks: Lent) -> Params:
    """A check of the card for no money."""
    card = _card(request, blanks)
    if billing := _billing(request):
        card["billing_address"] = billing
    return {
        "credit_card": card,
        "options": {"amount": amount_text(request.money), "merchant_account_id": merchant_account},
    }


def _card(request: Authorisation, blanks: Lent) -> Params:
    card: Params = {
        "number": blanks.number,
        "expiration_month": f"{request.card.expiry.month:02}",
        "expiration_year": f"{request.card.expiry.year:04}",
    }
    if blanks.security_code is not None:
        card["cvv"] = blanks.security_code
    return card


def _billing(request: Authorisation) -> Params:
    billing: Params = {}
    if request.card.billing.postal_code:
        billing["postal_code"] = request.card.billing.postal_code
    if request.card.billing.address_line:
        billing["street_address"] = request.card.billing.address_line
    return billing


def _source(terms: Terms) -> str | None:
    if terms.initiator is not Initiator.CUSTOMER:
        return SOURCES[terms.initiator]
    return "moto" if terms.channel is Channel.TELEPHONE else None


def _vault(terms: Terms) -> Params:
    """Whose vault the card is in: ours. The schemes link later payments to the first by its network id."""
    if terms.initiator is not Initiator.CUSTOMER:
        vault: Params = {"status": "vaulted"}
        if terms.scheme_reference:
            vault["previous_network_transaction_id"] = terms.scheme_reference
        return vault
    return {"status": "will_vault"} if terms.keeps_card else {}
