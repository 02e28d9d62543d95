"""The wire format of the generic pay connector for the double: charges, and Tonevault's own `status` and `refund`."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any, Final

from tonevault.cde.gateway import Kind
from tonevault.cde.gateway_codes import Code
from tonevault.testing.gateways.behaviour import (
    FAULT_STATUSES,
    Behaviour,
    Fault,
    Shown,
    Step,
    by_card,
    card_name,
)
from tonevault.testing.gateways.ledger import Entry
from tonevault.testing.gateways.turn import NoAnswerError, Reply, Turn

MERCHANT: Final = "connector"
Asked = Mapping[str, Any]
"""A request's JSON, whose shape the contract prescribes: what has another fails loudly."""


class GenericWire:
    """One URL, any path. A repeated `transaction_id` is answered as the first was."""

    name = "generic"

    def answer(self, turn: Turn) -> Reply:
        """Carry out one method."""
        asked: Asked = json.loads(turn.request.body)
        match asked.get("method"):
            case "charge":
                return _charge(turn, asked)
            case "refund":
                return _refund(turn, asked)
            case "status":
                return _status(turn, asked)
            case _:
                return _json({"error_code": "unknown_method", "error_message": "charge, refund or status"})


def _charge(turn: Turn, asked: Asked) -> Reply:
    minor = _minor(asked)
    shown = Shown(security_code=bool(asked["cvv"]), postal_code=asked["postal_code"] or None)
    reference = str(asked["transaction_id"])
    behaviour = turn.meet(Step.AUTHORISE, reference, by_card(card_name(asked["cardnumber"]), minor, shown))
    return _done(turn, asked, Kind.PAYMENT, minor, behaviour)


def _refund(turn: Turn, asked: Asked) -> Reply:
    minor = _minor(asked)
    behaviour = turn.meet(Step.REFUND, str(asked["transaction_id"]))
    paid = turn.ledger.by_reference(MERCHANT, str(asked["original_transaction_id"]))
    left = sum(each.amount_minor for each in paid if each.state == "done")
    for each in paid:
        left -= sum(
            child.amount_minor
            for child in turn.ledger.children(MERCHANT, each.entry_id)
            if child.state == "done" and child.reference != asked["transaction_id"]
        )
    if left < minor:
        behaviour = Behaviour(decline=Code.NOT_REFUNDABLE)
    return _done(turn, asked, Kind.REFUND, minor, behaviour, of_entry=paid[0].entry_id if paid else None)


def _done(
    turn: Turn, asked: Asked, kind: Kind, minor: int, behaviour: Behaviour, *, of_entry: str | None = None
) -> Reply:
    if behaviour.fault is not None and not behaviour.done:
        return _fault(behaviour.fault)
    reference = str(asked["transaction_id"])
    with turn.ledger.deed():
        standing = turn.ledger.by_reference(MERCHANT, reference)
        if not standing:
            now = turn.now()
            declined = behaviour.decline
            entry = Entry(
                merchant=MERCHANT,
                entry_id=f"conn-{uuid.UUID(bytes=hashlib.md5(reference.encode(), usedforsecurity=False).digest())}",
                kind=kind,
                reference=reference,
                amount_minor=minor,
                currency=str(asked["currency_code"]),
                state="declined" if declined else "done",
                made_at=now,
                of_entry=of_entry,
                visible_at=now + behaviour.look_up_lag_s,
                heard_at=now + behaviour.silent_look_up_s,
                document={"code": declined.value if declined else None},
            )
            turn.ledger.put(entry)
            if entry.state == "done":
                turn.ledger.move(entry, kind, minor, reference, now)
            standing = [entry]
    if behaviour.fault is not None:
        return _fault(behaviour.fault)
    return _told(standing[0], minor, str(asked["currency_code"]))


def _told(entry: Entry, minor: int, currency: str) -> Reply:
    if (entry.amount_minor, entry.currency) != (minor, currency):
        return _json({"error_code": Code.REFERENCE_REUSED.value, "error_message": "another amount"})
    if entry.state == "declined":
        return _json(
            {"error_code": entry.document["code"], "error_message": "declined", "charge_id": entry.entry_id}
        )
    return _json({"charge_id": entry.entry_id, "error_code": None, "error_message": None})


def _status(turn: Turn, asked: Asked) -> Reply:
    reference = str(asked["transaction_id"])
    behaviour = turn.meet(Step.LOOK_UP, reference)
    if behaviour.fault is not None:
        return _fault(behaviour.fault)
    now = turn.now()
    found = turn.ledger.by_reference(MERCHANT, reference)
    if any(each.heard_at > now for each in found):
        raise NoAnswerError
    for entry in found:
        if entry.visible_at <= now:
            return _told(entry, entry.amount_minor, entry.currency)
    return _json({"error_code": "not_found", "error_message": "no such transaction"})


def _minor(asked: Asked) -> int:
    whole, _, part = str(asked["amount"]).partition(".")
    return int(whole + part)


def _fault(fault: Fault) -> Reply:
    if fault is Fault.GARBLED:
        return Reply(200, b"<html>", "text/html")
    return Reply(FAULT_STATUSES[fault], b"{}")


def _json(document: Mapping[str, object]) -> Reply:
    return Reply(200, json.dumps(document).encode())
