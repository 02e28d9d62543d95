"""What is sent to Stripe: parameters from requests of the port. A card's digits are blanks here, never the digits.

The parameters that open an intent come from what is written down with the attempt and from nothing else, so that whoever
looks it up can repeat them to the letter under the same Idempotency-Key, without the card.
"""

from typing import Final

from stripe.params import (
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentMethodCreateParams,
    SetupIntentConfirmParams,
    SetupIntentCreateParams,
)

from tonevault.cde.blanks import Lent
from tonevault.cde.gateway import Authorisation, Channel, Initiator, Made, Terms
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money

REFERENCE: Final = "tonevault_reference"
ACCOUNT: Final = "tonevault_account"
"""Names in the metadata of everything that is made at Stripe, for the merchant's eyes, look-ups and reconciliation."""
MAX_DESCRIPTION: Final = 500
"""Stripe takes 1,000 characters; no description of ours is longer than this."""


def marks(account: AccountId, reference: str) -> dict[str, str]:
    """Metadata that says whose and which attempt an object is."""
    return {REFERENCE: reference, ACCOUNT: account}


def opening(
    account: AccountId, reference: str, money: Money, amount: int, terms: Terms
) -> PaymentIntentCreateParams:
    """Opens a PaymentIntent. Nothing moves by it."""
    params: PaymentIntentCreateParams = {
        "amount": amount,
        "currency": money.currency.lower(),
        "allowed_payment_method_types": ["card"],
        "capture_method": "automatic" if terms.take_now else "manual",
        "metadata": marks(account, reference),
    }
    if terms.description:
        params["description"] = terms.description[:MAX_DESCRIPTION]
    if terms.keeps_card and terms.initiator is Initiator.CUSTOMER:
        # Stripe refuses it for payments that the customer is not there for: those are later uses already.
        params["setup_future_usage"] = "off_session"
    return params


def verification_opening(account: AccountId, reference: str) -> SetupIntentCreateParams:
    """Opens a SetupIntent."""
    return {
        "allowed_payment_method_types": ["card"],
        "usage": "off_session",
        "metadata": marks(account, reference),
    }


def card(request: Authorisation, blanks: Lent) -> PaymentMethodCreateParams:
    """Hands the card over. The only request that carries one."""
    params: PaymentMethodCreateParams = {
        "type": "card",
        "card": {
            "number": blanks.number,
            "exp_month": request.card.expiry.month,
            "exp_year": request.card.expiry.year,
        },
    }
    if blanks.security_code is not None:
        params["card"]["cvc"] = blanks.security_code
    billing = request.card.billing
    address: dict[str, str] = {}
    if billing.postal_code:
        address["postal_code"] = billing.postal_code
    if billing.address_line:
        address["line1"] = billing.address_line
    if address:
        params["billing_details"] = {"address": {**address}}  # type: ignore[typeddict-item] # two of its keys
    return params


def confirmation(request: Authorisation, method: str) -> PaymentIntentConfirmParams:
    """Moves the money, or holds it."""
    terms = request.terms
    params: PaymentIntentConfirmParams = {"payment_method": method, "expand": ["latest_charge"]}
    match terms.initiator:
        case Initiator.CUSTOMER if terms.channel is Channel.TELEPHONE:
            # Outside strong customer authentication (PSD2 RTS recital 9): nobody could answer a challenge on the telephone.
            params["payment_method_options"] = {"card": {"moto": True}}
            params["error_on_requires_action"] = True
        case Initiator.CUSTOMER:
            if request.return_url is None:
                params["error_on_requires_action"] = True
            else:
                params["return_url"] = request.return_url
        case Initiator.RECURRING | Initiator.UNSCHEDULED:
            # Off session, a payment that would need the card holder fails by itself.
            params["off_session"] = True
            params["payment_method_options"] = {
                "card": {
                    "stored_credential_usage": "recurring"
                    if terms.initiator is Initiator.RECURRING
                    else "unscheduled"
                }
            }
    return params


def verification(request: Authorisation, method: str) -> SetupIntentConfirmParams:
    """Checks the card for no money."""
    params: SetupIntentConfirmParams = {"payment_method": method, "expand": ["latest_attempt"]}
    if request.terms.channel is Channel.TELEPHONE:
        params["payment_method_options"] = {"card": {"moto": True}}
    elif request.return_url is not None:
        params["return_url"] = request.return_url
    return params


def opened_by(made: Made, amount: int) -> PaymentIntentCreateParams:
    """The opening of an attempt that was made, to the letter."""
    return opening(made.account_id, made.reference, made.money, amount, made.terms)
