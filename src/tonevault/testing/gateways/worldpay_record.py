"""A payment in the ledger of Worldpay's double as the queries API tells of it: summary, events, next actions."""

from datetime import UTC, datetime
from typing import Final

from tonevault.cde.gateway import Kind
from tonevault.testing.gateways.ledger import Entry

AUTHORISED: Final = "authorised"
TAKEN: Final = "taken"
REFUSED: Final = "refused"
CANCELED: Final = "canceled"
FAILED: Final = "failed"
EVENTS: Final = {Kind.CAPTURE: "settlement", Kind.VOID: "cancellation", Kind.REFUND: "refund"}
REFERENCES: Final = {Kind.CAPTURE: "settlementReference", Kind.REFUND: "refundReference"}
QUERY_LINKS: Final = {
    "settlePayment": "payments:settle",
    "partiallySettlePayment": "payments:partialSettle",
    "cancelPayment": "payments:cancel",
    "refundPayment": "payments:refund",
    "partiallyRefundPayment": "payments:partialRefund",
}


def taken(entry: Entry, children: list[Entry]) -> int:
    """Minor units taken: at once, or by settlements."""
    if entry.state == TAKEN:
        return entry.amount_minor
    return sum(each.amount_minor for each in children if each.kind is Kind.CAPTURE)


def paid_back(children: list[Entry]) -> int:
    """Minor units refunded."""
    return sum(each.amount_minor for each in children if each.kind is Kind.REFUND)


def actions(entry: Entry, children: list[Entry]) -> dict[str, str]:
    """What may be done next: the action's name and its verb in the URL."""
    found: dict[str, str] = {}
    if entry.state == AUTHORISED and entry.amount_minor:
        if not children:
            found |= {"settlePayment": "settlements", "cancelPayment": "cancellations"}
        if taken(entry, children) < entry.amount_minor:
            found["partiallySettlePayment"] = "partialSettlements"
    if paid_back(children) < taken(entry, children):
        found["partiallyRefundPayment"] = "partialRefunds"
        if not paid_back(children):
            found["refundPayment"] = "refunds"
    return found


def summary(entry: Entry) -> dict[str, object]:
    """A payment as a list shows it."""
    return {
        "timestamp": written(entry.made_at),
        "paymentId": entry.entry_id,
        "transactionReference": entry.reference,
        "value": {"currency": entry.currency, "amount": entry.amount_minor},
        "_links": {"self": {"href": f"/paymentQueries/payments/{entry.entry_id}"}},
    }


def detail(entry: Entry, children: list[Entry], base: str) -> dict[str, object]:
    """A payment with its events and next actions, whose links begin with `base`."""
    events = [_event("authorizationRequested", entry.made_at), _decision(entry)]
    if entry.state == TAKEN:
        events.append(_event("settlementRequested", entry.made_at, type="fullSettlement"))
    if entry.state == CANCELED and not children:
        events.append(_event("cancellationRequested", entry.made_at))
    events += [_follow_up(each) for each in children]
    links = {QUERY_LINKS[name]: {"href": f"{base}/{verb}"} for name, verb in actions(entry, children).items()}
    self_link = {"self": {"href": f"/paymentQueries/payments/{entry.entry_id}"}}
    return summary(entry) | {
        "scheme": {"reference": entry.document["scheme"]},
        "events": events,
        "lastEvent": events[-1]["eventName"],
        "_links": self_link | links,
    }


def _decision(entry: Entry) -> dict[str, object]:
    if entry.state == REFUSED:
        return _event(
            "authorizationRefused", entry.made_at, code=entry.document["code"], description="Refused"
        )
    return _event("authorizationFailed" if entry.state == FAILED else "authorizationSucceeded", entry.made_at)


def _follow_up(child: Entry) -> dict[str, object]:
    more: dict[str, object] = {"value": {"currency": child.currency, "amount": child.amount_minor}}
    if child.kind in REFERENCES:
        more[REFERENCES[child.kind]] = child.reference
    return _event(f"{EVENTS[child.kind]}Requested", child.made_at, **more)


def _event(name: str, at: float, **more: object) -> dict[str, object]:
    return {"eventName": name, "timestamp": written(at), **more}


def written(at: float) -> str:
    """Seconds since 1970 as the API writes a time."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
