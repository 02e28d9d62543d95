"""Worldpay's record of a payment, by the Payment Queries API: its events, and what may be done with it next. Reads; moves nothing."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlencode

from tonevault.cde.gateway import GatewayUnreachableError, Kind
from tonevault.plumbing.https_line import HttpsLine, Reply, Silence, dig

ACCEPT: Final = {"Accept": "application/vnd.worldpay.payment-queries-v1.hal+json"}
PAGE: Final = 300
"""Payments a page, the most that the API gives."""
MAX_PAGES: Final = 10_000
"""Three million payments a day; a list that never ends is a fault."""


class Action(StrEnum):
    """What may be done with a payment, as the Payments API calls it."""

    SETTLE = "settlePayment"
    SETTLE_PART = "partiallySettlePayment"
    CANCEL = "cancelPayment"
    REFUND = "refundPayment"
    REFUND_PART = "partiallyRefundPayment"


LINKS: Final = {
    "payments:settle": Action.SETTLE,
    "payments:partialSettle": Action.SETTLE_PART,
    "payments:cancel": Action.CANCEL,
    "payments:refund": Action.REFUND,
    "payments:partialRefund": Action.REFUND_PART,
}
"""The same as the Payment Queries API calls them."""
FOLLOW_UPS: Final = {"settlement": Kind.CAPTURE, "refund": Kind.REFUND, "cancellation": Kind.VOID}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a payment. `stem` and `ending` are its name's parts (`authorization`, `Succeeded`)."""

    stem: str
    ending: str
    at: datetime
    reference: str | None
    code: str | None
    amount: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """A payment as Worldpay has it, its events the oldest first."""

    payment_id: str
    reference: str | None
    amount: int
    currency: str
    at: datetime
    events: tuple[Event, ...]
    links: dict[Action, str]
    scheme_reference: str | None

    def has(self, stem: str, *endings: str) -> bool:
        """Whether such an event has happened."""
        return any(each.stem == stem and each.ending in endings for each in self.events)

    @property
    def is_held(self) -> bool:
        """Authorised, and neither taken nor let go."""
        can_be_taken = Action.SETTLE in self.links or Action.SETTLE_PART in self.links
        return can_be_taken and not self.has("settlement", "Requested")

    def follow_up(self, kind: Kind, reference: str) -> Event | None:
        """The newest event of a capture, refund or void of ours; a void has no reference, for a payment has but one."""
        stem = next(stem for stem, each in FOLLOW_UPS.items() if each is kind)
        requested = [
            each
            for each in self.events
            if each.stem == stem and (kind is Kind.VOID or each.reference == reference)
        ]
        return requested[-1] if requested else None


def links(reply: Reply) -> dict[Action, str]:
    """The next actions of an answer, in either API's way of writing them."""
    found: dict[Action, str] = {}
    for action in Action:
        if isinstance(href := reply.get("_actions", action.value, "href"), str):
            found[action] = href
    for name, action in LINKS.items():
        if isinstance(href := reply.get("_links", name, "href"), str):
            found[action] = href
    return found


class PaymentQueries:
    """Asks for payments by our reference, by id and by date."""

    def __init__(self, line: HttpsLine) -> None:
        self._line = line

    async def find(self, reference: str) -> list[Record] | None:
        """The payments under our reference, none where there are none; None when Worldpay cannot be asked."""
        reply = await self._get(f"/paymentQueries/payments?{urlencode({'transactionReference': reference})}")
        if reply is None:
            return None
        found = [await self._record(each) for each in _summaries(reply)]
        return [each for each in found if each is not None] if None not in found else None

    async def between(self, since: datetime, until: datetime) -> AsyncIterator[Record]:
        """Every payment of a span of time. Raises GatewayUnreachableError where the list cannot be read whole."""
        span = {"startDate": _written(since), "endDate": _written(until), "pageSize": str(PAGE)}
        path: str | None = f"/paymentQueries/payments?{urlencode(span)}"
        for _ in range(MAX_PAGES):
            if path is None:
                return
            reply = await self._get(path)
            if reply is None:
                raise GatewayUnreachableError
            for each in _summaries(reply):
                record = await self._record(each)
                if record is None:
                    raise GatewayUnreachableError
                yield record
            following = reply.get("_links", "next", "href")
            path = following if isinstance(following, str) else None
        raise GatewayUnreachableError

    async def _record(self, summary: object) -> Record | None:
        payment_id = (
            dig(summary, "paymentId") or str(dig(summary, "_links", "self", "href") or "").rpartition("/")[2]
        )
        reply = await self._get(f"/paymentQueries/payments/{quote(str(payment_id), safe='')}")
        return None if reply is None else _read(reply, str(payment_id))

    async def _get(self, path: str) -> Reply | None:
        reply = await self._line.ask("GET", path, headers=ACCEPT)
        return None if isinstance(reply, Silence) or reply.status != 200 else reply


def _summaries(reply: Reply) -> list[object]:
    listed = reply.get("_embedded", "payments")
    return listed if isinstance(listed, list) else []


def _read(reply: Reply, payment_id: str) -> Record | None:
    amount, currency = reply.get("value", "amount"), reply.get("value", "currency")
    at = _time(reply.get("timestamp"))
    if not isinstance(amount, int) or not isinstance(currency, str) or at is None:
        return None
    scheme = reply.get("scheme", "reference")
    reference = reply.get("transactionReference")
    return Record(
        payment_id=payment_id,
        reference=reference if isinstance(reference, str) else None,
        amount=amount,
        currency=currency,
        at=at,
        events=tuple(sorted(_events(reply.get("events"), at), key=lambda event: event.at)),
        links=links(reply),
        scheme_reference=scheme if isinstance(scheme, str) else None,
    )


def _events(listed: object, start: datetime) -> Iterator[Event]:
    for each in listed if isinstance(listed, list) else []:
        name = dig(each, "eventName")
        if not isinstance(name, str):
            continue
        at = next((place for place, letter in enumerate(name) if letter.isupper()), len(name))
        reference = dig(each, "settlementReference") or dig(each, "refundReference")
        code, amount = dig(each, "code"), dig(each, "value", "amount")
        yield Event(
            stem=name[:at],
            ending=name[at:],
            at=_time(dig(each, "timestamp")) or start,
            reference=reference if isinstance(reference, str) else None,
            code=code if isinstance(code, str) else None,
            amount=amount if isinstance(amount, int) else None,
        )


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
