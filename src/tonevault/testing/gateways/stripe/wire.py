"""Stripe's wire format: routes, the bearer key, and idempotency keys whose first answer is repeated, stored 500s included."""

import hashlib
import hmac
import re
from collections.abc import Callable
from threading import Lock
from typing import Final
from urllib.parse import parse_qs

from tonevault.cde.gateway import Kind
from tonevault.testing.gateways.ledger import KeptAnswer
from tonevault.testing.gateways.stripe.desk import Answer, Desk, GarbledError, encode
from tonevault.testing.gateways.stripe.form import Form, parse
from tonevault.testing.gateways.stripe.reading import Reading
from tonevault.testing.gateways.stripe.refusal import RefusalError, invalid, missing
from tonevault.testing.gateways.turn import Reply, Turn

KEY_TTL_S: Final = 86_400.0
"""How long keys are kept: the 24 hours that Stripe promises."""
KEPT_STATUSES: Final = frozenset({200, 402, 500, 503})
"""What was begun is repeated; a request that failed validation, or met a rival, is not kept."""
_ID: Final = re.compile(r"/v1/(?:payment|setup)_intents/(\w+)(?:/(confirm|capture|cancel))?")
_CHALLENGE: Final = re.compile(r"/challenge/(\w+)")

_DOINGS: Final[dict[str, Callable[[Desk], Answer]]] = {
    "/v1/payment_methods": Desk.create_method,
    "/v1/payment_intents": lambda desk: desk.create_intent(Kind.PAYMENT),
    "/v1/setup_intents": lambda desk: desk.create_intent(Kind.VERIFICATION),
    "/v1/refunds": Desk.create_refund,
}
_READINGS: Final[dict[str, Callable[[Reading], Answer]]] = {
    "/v1/payment_intents": Reading.intents,
    "/v1/refunds": Reading.refunds,
    "/v1/events": Reading.events,
}


class StripeWire:
    """A Stripe whose secret keys begin with `sk_test_`; each key is a merchant of its own."""

    def __init__(self) -> None:
        self._at_work: set[tuple[str, str]] = set()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """`stripe`."""
        return "stripe"

    def answer(self, turn: Turn) -> Reply:
        """Answer one request."""
        try:
            if challenge := _CHALLENGE.fullmatch(turn.request.path):
                return self._challenge(turn, challenge[1])
            merchant = _merchant(turn)
            if turn.request.method == "GET":
                return Reply(200, encode(_read(turn, merchant)))
            return self._once(turn, merchant)
        except RefusalError as refusal:
            return refusal.reply()
        except GarbledError:
            return Reply(200, b"<html>An intermediary's page</html>", "text/html")

    def _once(self, turn: Turn, merchant: str) -> Reply:
        key = turn.request.headers.get("idempotency-key")
        if not key:
            return _done(turn, merchant)
        # The body may hold a card, and an unkeyed hash of one tells it; the merchant's key keys this one.
        said = f"{turn.request.path}\n".encode() + turn.request.body
        fingerprint = hmac.new(merchant.encode(), said, hashlib.sha256).hexdigest()
        with self._lock:
            if (merchant, key) in self._at_work:
                raise RefusalError(409, "idempotency_error", "idempotency_key_in_use")
            self._at_work.add((merchant, key))
        try:
            kept = turn.ledger.kept_answer(merchant, key)
            if kept is not None and turn.now() - kept.made_at < KEY_TTL_S:
                if kept.fingerprint != fingerprint:
                    raise RefusalError(400, "idempotency_error")
                return Reply(kept.status, kept.body, headers={"Idempotent-Replayed": "true"})
            try:
                reply = _done(turn, merchant)
            except RefusalError as refusal:
                reply = refusal.reply()
            if reply.status in KEPT_STATUSES:
                turn.ledger.keep_answer(
                    merchant, key, KeptAnswer(fingerprint, reply.status, reply.body, turn.now())
                )
            return reply
        finally:
            with self._lock:
                self._at_work.discard((merchant, key))

    def _challenge(self, turn: Turn, intent_id: str) -> Reply:
        """The page where a card holder authenticates: `?outcome=passed` or `failed` answers it, and leads back."""
        outcome = parse_qs(turn.request.query).get("outcome", [""])[0]
        if outcome not in ("passed", "failed"):
            page = "".join(f'<a href="?outcome={each}">{each}</a> ' for each in ("passed", "failed"))
            return Reply(200, f"<!doctype html><title>Your bank</title>{page}".encode(), "text/html")
        # A browser brings no secret key: whose intent it is, the ledger knows.
        merchant = next(
            (each.merchant for each in turn.ledger.find_anywhere(intent_id)),
            "",
        )
        url = Desk(turn, merchant, {}, "").complete_challenge(intent_id, passed=outcome == "passed")
        return Reply(303, b"", "text/plain", {"Location": url or "/"})


def _merchant(turn: Turn) -> str:
    scheme, _, key = turn.request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.startswith("sk_test_"):
        raise invalid("api_key_expired", status=401)
    return key


def _form(encoded: str) -> Form:
    try:
        return parse(encoded)
    except ValueError:
        raise invalid("parameter_unknown") from None


def _done(turn: Turn, merchant: str) -> Reply:
    desk = Desk(
        turn, merchant, _form(turn.request.body.decode()), f"http://{turn.request.headers.get('host', '')}"
    )
    path = turn.request.path
    if doing := _DOINGS.get(path):
        return Reply(200, encode(doing(desk)))
    match = _ID.fullmatch(path)
    if match is None or match[2] is None:
        raise missing("path")
    verbs = {"confirm": desk.confirm, "capture": desk.capture, "cancel": desk.cancel}
    return Reply(200, encode(verbs[match[2]](match[1])))


def _read(turn: Turn, merchant: str) -> Answer:
    reading = Reading(turn, merchant, _form(turn.request.query))
    if read := _READINGS.get(turn.request.path):
        return read(reading)
    match = _ID.fullmatch(turn.request.path)
    if match is None or match[2] is not None:
        raise missing("path")
    return reading.intent(match[1])
