"""Braintree's list of what happened: each transaction's history, step by step, as lines of payments, captures, voids and refunds. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from tonevault.cde.gateway import Kind, Listed, Verdict
from tonevault.cde.gateways.braintree.answers import DECLINED, money_of
from tonevault.cde.gateways.braintree.views import StatusEvent, Transaction

ONE_DEED: Final = timedelta(seconds=5)
"""A sale that is taken at once is authorised and submitted within this; a later submission is a capture."""
_NEVER: Final = DECLINED | {"failed", "authorizing", "settlement_failed"}


def lines(transaction: Transaction) -> Iterator[Listed]:
    """What was done, each deed once. `reference` is the transaction's `order_id`, which other systems may fill, too."""
    if transaction.status in _NEVER:
        return
    if transaction.type == "credit":
        yield _line(transaction, Kind.REFUND, None)
        return
    first = transaction.status_history[0] if transaction.status_history else None
    yield _line(transaction, Kind.PAYMENT, first)
    for event in transaction.status_history:
        if event.status == "voided":
            yield _line(transaction, Kind.VOID, event)
        elif (
            event.status == "submitted_for_settlement" and event.timestamp - transaction.created_at > ONE_DEED
        ):
            yield _line(transaction, Kind.CAPTURE, event)


def _line(transaction: Transaction, kind: Kind, event: StatusEvent | None) -> Listed:
    amount = transaction.amount if event is None else event.amount
    own = kind in (Kind.PAYMENT, Kind.REFUND)
    return Listed(
        # A capture or void has no reference of its own: it is known by its payment.
        reference=transaction.order_id if own else None,
        gateway_reference=transaction.id,
        kind=kind,
        money=money_of(amount, transaction.currency_iso_code),
        verdict=Verdict.APPROVED,
        at=transaction.created_at if own or event is None else event.timestamp,
    )
