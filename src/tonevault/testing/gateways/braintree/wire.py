"""Braintree's wire format: routes below the merchant, basic authentication, XML in, XML over gzip out."""

import gzip
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final
from xml.etree import ElementTree as ET

from tonevault.testing.gateways.braintree.desk import Answer, Desk
from tonevault.testing.gateways.braintree.markup import parse, render
from tonevault.testing.gateways.braintree.reading import Reading
from tonevault.testing.gateways.braintree.refusal import XML, RefusalError, status
from tonevault.testing.gateways.turn import Reply, Turn

DUPLICATE_WINDOW_S: Final = 30.0
"""Braintree's default."""
CURRENCIES: Final = {f"test-{code.lower()}": code for code in ("GBP", "EUR", "USD", "JPY", "KWD")}
"""Merchant accounts that the double knows."""
_PATH: Final = re.compile(r"/merchants/(\w+)(/.+)")
_OF_ONE: Final = re.compile(r"/transactions/(\w+)(?:/(submit_for_settlement|void|refund))?")

_DOINGS: Final[dict[str, Callable[[Desk], Answer]]] = {
    "/transactions": Desk.sale,
    "/verifications": Desk.verify,
    "/transactions/advanced_search_ids": lambda desk: Reading(desk).search_ids(),
}
_OF_ONE_DOINGS: Final[dict[str, Callable[[Desk, str], Answer]]] = {
    "submit_for_settlement": Desk.submit,
    "void": Desk.void,
    "refund": Desk.refund,
}


class BraintreeWire:
    """A Braintree whose private keys begin with `private`; the public key is the merchant's."""

    def __init__(
        self,
        *,
        duplicate_window_s: float = DUPLICATE_WINDOW_S,
        settles_after_s: float = 0.0,
        currencies: Mapping[str, str] = CURRENCIES,
    ) -> None:
        """`settles_after_s`: until then money that was taken can be voided and not refunded. 0: it settles at once."""
        self._duplicate_window_s = duplicate_window_s
        self._settles_after_s = settles_after_s
        self._currencies = dict(currencies)

    @property
    def name(self) -> str:
        """`braintree`."""
        return "braintree"

    def answer(self, turn: Turn) -> Reply:
        """Answer one request."""
        try:
            reply = self._done(turn)
        except RefusalError as refusal:
            reply = refusal.reply
        if reply.body and "gzip" in turn.request.headers.get("accept-encoding", ""):
            return replace(reply, body=gzip.compress(reply.body), headers={"Content-Encoding": "gzip"})
        return reply

    def _done(self, turn: Turn) -> Reply:
        path = _PATH.fullmatch(turn.request.path)
        if path is None:
            raise status(404)
        merchant = _merchant(turn, path[1])
        try:
            tree = parse(turn.request.body)
        except ValueError:
            raise status(400) from None
        desk = Desk(
            turn,
            merchant,
            tree,
            self._currencies,
            self._duplicate_window_s,
            self._settles_after_s,
        )
        return _routed(desk, turn.request.method, path[2])


def _routed(desk: Desk, method: str, path: str) -> Reply:
    if method == "POST" and path == "/transactions/advanced_search":
        return _page(Reading(desk))
    if method == "POST" and path in _DOINGS:
        return _reply(201, _DOINGS[path](desk))
    if method == "GET" and (match := re.fullmatch(r"/verifications/(\w+)", path)):
        return _reply(200, Reading(desk).verification(match[1]))
    match = _OF_ONE.fullmatch(path)
    if match is None:
        raise status(404)
    if match[2] is None:
        return _reply(200, Reading(desk).transaction(match[1]))
    return _reply(200, _OF_ONE_DOINGS[match[2]](desk, match[1]))


def _reply(code: int, answer: Answer) -> Reply:
    return Reply(code, render(*answer), XML)


def _page(reading: Reading) -> Reply:
    """A page of a search: elements side by side under one name, which is no array to Braintree's XML."""
    root = ET.Element("credit-card-transactions", {"type": "collection"})
    for each in reading.fetch()["transaction"]:
        root.append(ET.fromstring(render("transaction", each)))  # noqa: S314 - rendered here
    return Reply(200, ET.tostring(root, "utf-8"), XML)


def _merchant(turn: Turn, named: str) -> str:
    scheme, _, encoded = turn.request.headers.get("authorization", "").partition(" ")
    try:
        public, _, private = b64decode(encoded, validate=True).decode().partition(":")
    except (NotBase64, UnicodeDecodeError):
        raise status(401) from None
    if scheme != "Basic" or not public or not private.startswith("private"):
        raise status(401)
    return named
