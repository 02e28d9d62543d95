"""The wire format of Access Worldpay (Payments API 2024-06-01, Payment Queries API) for the double. Takes any credentials."""

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from tonevault.cde.gateway import Check, Kind
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
from tonevault.testing.gateways.worldpay_record import (
    AUTHORISED,
    CANCELED,
    FAILED,
    REFUSED,
    TAKEN,
    actions,
    detail,
    paid_back,
    summary,
    taken,
)

REFUSALS: Final = {
    Code.INSUFFICIENT_FUNDS: "51",
    Code.LIMIT_EXCEEDED: "61",
    Code.ISSUER_UNAVAILABLE: "91",
    Code.TRY_AGAIN_LATER: "19",
    Code.AUTHENTICATION_REQUIRED: "65",
    Code.LOST_CARD: "41",
    Code.STOLEN_CARD: "43",
    Code.EXPIRED_CARD: "54",
    Code.INVALID_CARD: "14",
    Code.FRAUD_SUSPECTED: "59",
    Code.NOT_PERMITTED: "57",
    Code.CONSENT_REVOKED: "R1",
    Code.ACQUIRER_REJECTED: "3",
}
MISMATCHES: Final = (Code.INCORRECT_SECURITY_CODE, Code.POSTAL_CODE_MISMATCH, Code.ADDRESS_MISMATCH)
"""Not refusals at Worldpay: the issuer approves, the answer names the risk, and Worldpay cancels what it was to settle."""
VERBS: Final = {
    "settlements": Kind.CAPTURE,
    "partialSettlements": Kind.CAPTURE,
    "cancellations": Kind.VOID,
    "refunds": Kind.REFUND,
    "partialRefunds": Kind.REFUND,
}
STEPS: Final = {Kind.CAPTURE: Step.CAPTURE, Kind.VOID: Step.VOID, Kind.REFUND: Step.REFUND}
DEFAULT_PAGE: Final = 20
Asked = Mapping[str, Any]
"""A request's JSON, whose shape the API prescribes: what has another fails loudly."""


class WorldpayWire:
    """Payments, follow-ups by link, queries by reference, id and date. The user name is the merchant."""

    name = "worldpay"

    def answer(self, turn: Turn) -> Reply:
        """Route one request."""
        merchant = _merchant(turn)
        if merchant is None:
            return _json(401, {"errorName": "accessDenied", "message": "Access denied"})
        match (turn.request.method, turn.request.path.strip("/").split("/")):
            case ("POST", ["api", "payments"]):
                return _pay(turn, merchant)
            case ("POST", ["api", "payments", payment, verb]) if verb in VERBS:
                return _follow(turn, merchant, payment, verb)
            case ("GET", ["paymentQueries", "payments"]):
                return _query(turn, merchant)
            case ("GET", ["paymentQueries", "payments", payment]):
                return _retrieve(turn, merchant, payment)
            case _:
                return _json(404, {"errorName": "resourceNotFound", "message": "No such resource"})


def _pay(turn: Turn, merchant: str) -> Reply:
    asked = json.loads(turn.request.body)
    instruction = asked["instruction"]
    instrument, amount = instruction["paymentInstrument"], int(instruction["value"]["amount"])
    billing = instrument.get("billingAddress") or {}
    shown = Shown(
        security_code="cvc" in instrument,
        postal_code=billing.get("postalCode"),
        address_line=billing.get("address1"),
    )
    by_telephone = asked.get("channel") == "moto"
    usual = by_card(card_name(instrument["cardNumber"]), amount, shown, by_telephone=by_telephone)
    reference = str(asked["transactionReference"])
    behaviour = turn.meet(Step.AUTHORISE if amount else Step.VERIFY, reference, usual)
    if (fault := behaviour.fault) is not None and not behaviour.done:
        return _fault(fault)
    risks = _risks(behaviour, shown)
    entry = _decided(turn, merchant, asked, behaviour, risks)
    with turn.ledger.deed():
        turn.ledger.put(entry)
        if entry.state == TAKEN:
            turn.ledger.move(entry, Kind.PAYMENT, amount, reference, entry.made_at)
    return _fault(fault) if fault is not None else _json(201, _outcome(turn, entry, risks))


def _decided(
    turn: Turn,
    merchant: str,
    asked: Asked,
    behaviour: Behaviour,
    risks: list[dict[str, str]],
) -> Entry:
    instruction = asked["instruction"]
    value = instruction["value"]
    auto = instruction["settlement"]["auto"] and value["amount"]
    state = TAKEN if auto else AUTHORISED
    code = None
    if behaviour.native is not None or (
        behaviour.decline is not None and behaviour.decline not in MISMATCHES
    ):
        state, code = REFUSED, behaviour.native or REFUSALS.get(behaviour.decline or Code.DO_NOT_HONOUR, "5")
    elif auto and any(risk["risk"] == "notMatched" for risk in risks):
        state = CANCELED
    elif behaviour.challenge:
        state = FAILED
    now = turn.now()
    return Entry(
        merchant=merchant,
        entry_id=f"pay{uuid.uuid4().hex}",
        kind=Kind.PAYMENT,
        reference=str(asked["transactionReference"]),
        amount_minor=int(value["amount"]),
        currency=str(value["currency"]),
        state=state,
        made_at=now,
        visible_at=now + behaviour.look_up_lag_s,
        heard_at=now + behaviour.silent_look_up_s,
        document={"code": code, "scheme": f"MCC{uuid.uuid4().hex[:12].upper()}"},
    )


def _outcome(turn: Turn, entry: Entry, risks: list[dict[str, str]]) -> dict[str, object]:
    outcomes = {
        TAKEN: "sentForSettlement",
        AUTHORISED: "authorized",
        REFUSED: "refused",
        CANCELED: "sentForCancellation",
        FAILED: "3dsChallenged",
    }
    told: dict[str, object] = {
        "outcome": outcomes[entry.state],
        "paymentId": entry.entry_id,
        "transactionReference": entry.reference,
    }
    if entry.state == REFUSED:
        return told | {"refusalCode": entry.document["code"], "refusalDescription": "Refused"}
    if risks:
        told["riskFactors"] = risks
    base = f"http://{turn.request.headers['host']}/api/payments/{entry.entry_id}"
    links = {name: {"href": f"{base}/{verb}", "method": "POST"} for name, verb in actions(entry, []).items()}
    return told | {"scheme": {"reference": entry.document["scheme"]}, "_actions": links}


def _risks(behaviour: Behaviour, shown: Shown) -> list[dict[str, str]]:
    words = {Check.FAILED: "notMatched", Check.UNAVAILABLE: "notChecked"}
    # A street that the merchant did not know matches no issuer's records.
    address = Check.FAILED if shown.address_line == "N/A" else behaviour.address
    told = (
        ("cvc", "", behaviour.security_code if shown.security_code else None),
        ("avs", "postcode", behaviour.postal_code if shown.postal_code else None),
        ("avs", "address", address if shown.address_line else None),
    )
    return [
        {"type": kind, "risk": words[check]} | ({"detail": part} if part else {})
        for kind, part, check in told
        if check in words
    ]


def _follow(turn: Turn, merchant: str, payment: str, verb: str) -> Reply:
    entry = turn.ledger.entry(merchant, payment)
    if entry is None:
        return _json(404, {"errorName": "resourceNotFound", "message": "No such payment"})
    kind = VERBS[verb]
    asked = json.loads(turn.request.body) if turn.request.body else {}
    reference = str(asked.get("reference", "")) or f"{entry.reference}-{verb}"
    behaviour = turn.meet(STEPS[kind], reference)
    if behaviour.fault is not None and not behaviour.done:
        return _fault(behaviour.fault)
    with turn.ledger.deed():
        entry = turn.ledger.entry(merchant, payment) or entry
        children = turn.ledger.children(merchant, payment)
        amount = int(asked.get("value", {}).get("amount", entry.amount_minor))
        if behaviour.decline is not None or not _allows(entry, children, kind, amount):
            return _json(400, {"errorName": "operationNotAllowed", "message": "Not allowed in this state"})
        now = turn.now()
        child = Entry(
            merchant=merchant,
            entry_id=f"cmd{uuid.uuid4().hex}",
            kind=kind,
            reference=reference,
            amount_minor=amount,
            currency=entry.currency,
            state="requested",
            made_at=now,
            of_entry=payment,
            visible_at=now + behaviour.look_up_lag_s,
            heard_at=now + behaviour.silent_look_up_s,
        )
        turn.ledger.put(child)
        if kind is Kind.VOID:
            turn.ledger.put(replace(entry, state=CANCELED))
        else:
            turn.ledger.move(entry, kind, amount, reference, now)
    if behaviour.fault is not None:
        return _fault(behaviour.fault)
    outcomes = {
        Kind.CAPTURE: "sentForSettlement",
        Kind.VOID: "sentForCancellation",
        Kind.REFUND: "sentForRefund",
    }
    return _json(202, {"outcome": outcomes[kind]})


def _allows(entry: Entry, children: list[Entry], kind: Kind, amount: int) -> bool:
    if kind is Kind.CAPTURE:
        return entry.state == AUTHORISED and 0 < amount <= entry.amount_minor - taken(entry, children)
    if kind is Kind.VOID:
        return entry.state == AUTHORISED and not children
    return 0 < amount <= taken(entry, children) - paid_back(children)


def _query(turn: Turn, merchant: str) -> Reply:
    asked = {name: values[0] for name, values in parse_qs(turn.request.query).items()}
    reference = asked.get("transactionReference")
    turn.meet(Step.LIST if reference is None else Step.LOOK_UP, reference or "")
    if turn.behaviour.fault is not None:
        return _fault(turn.behaviour.fault)
    now = turn.now()
    if reference is not None:
        found = turn.ledger.by_reference(merchant, reference)
    else:
        since, until = (datetime.fromisoformat(asked[name]).timestamp() for name in ("startDate", "endDate"))
        found = turn.ledger.between(merchant, since, until)
    found = [each for each in found if each.kind is Kind.PAYMENT]
    if reference is not None and any(each.heard_at > now for each in found):
        raise NoAnswerError
    found = [each for each in found if each.visible_at <= now]
    size, start = int(asked.get("pageSize", DEFAULT_PAGE)), int(asked.get("from", 0))
    links: dict[str, object] = {"self": {"href": f"{turn.request.path}?{turn.request.query}"}}
    if len(found) > start + size:
        rest = turn.request.query.partition("&from=")[0]
        links["next"] = {"href": f"{turn.request.path}?{rest}&from={start + size}"}
    page = [summary(each) for each in found[start : start + size]]
    return _json(200, {"_links": links, "_embedded": {"payments": page}})


def _retrieve(turn: Turn, merchant: str, payment: str) -> Reply:
    entry = turn.ledger.entry(merchant, payment)
    if entry is None:
        return _json(200, {})
    turn.meet(Step.LOOK_UP, entry.reference)
    if turn.behaviour.fault is not None:
        return _fault(turn.behaviour.fault)
    now = turn.now()
    children = turn.ledger.children(merchant, payment)
    if any(each.heard_at > now for each in children):
        raise NoAnswerError
    base = f"http://{turn.request.headers['host']}/api/payments/{payment}"
    return _json(200, detail(entry, [each for each in children if each.visible_at <= now], base))


def _merchant(turn: Turn) -> str | None:
    scheme, _, encoded = turn.request.headers.get("authorization", "").partition(" ")
    try:
        name, colon, _ = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name if scheme.lower() == "basic" and colon and name else None


def _fault(fault: Fault) -> Reply:
    if fault is Fault.GARBLED:
        return Reply(200, b"<html>", "text/html")
    status = FAULT_STATUSES[fault]
    name = "bodyDoesNotMatchSchema" if fault is Fault.REFUSED else HTTPStatus(status).phrase
    return _json(status, {"errorName": name, "message": "See the error's name"})


def _json(status: int, document: Mapping[str, object]) -> Reply:
    return Reply(status, json.dumps(document).encode())
