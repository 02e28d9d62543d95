"""A merchant's program that puts a card number wherever it can: every text field, path, query, header, form and broken body."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.boundary.canary.cards import POSTED
from tests.boundary.canary.desk_client import DeskClient
from tests.boundary.canary.every_field import spoiled_requests

NUMBER: Final = POSTED.number
SPACED: Final = " ".join(NUMBER[at : at + 4] for at in range(0, 16, 4))
CARD_DATA_REFUSED: Final = "card_data_refused"


@dataclass(frozen=True, slots=True)
class Misuse:
    """One request; `code` is what it must be refused with, where it must be a certain one."""

    method: str
    path: str
    more: dict[str, Any] = field(default_factory=dict, repr=False)
    code: str | None = None


def in_text_fields(call_id: str, customer_id: str) -> Iterator[Misuse]:
    """Where words are asked for: refused by name, so that whoever integrates learns what is wrong."""
    for text in (NUMBER, SPACED, f"paid with {NUMBER[:8]}-{NUMBER[8:]}"):
        yield Misuse("POST", "/v1/customers", {"json": {"name": text}}, CARD_DATA_REFUSED)
        yield Misuse("PATCH", f"/v1/customers/{customer_id}", {"json": {"name": text}}, CARD_DATA_REFUSED)
        yield Misuse("POST", "/v1/customers", {"json": {"name": "Ann", "reference": text}}, CARD_DATA_REFUSED)
        for name in ("reference", "description"):
            body = {"call_id": call_id, name: text}
            yield Misuse("POST", "/v1/sessions", {"json": body}, CARD_DATA_REFUSED)
        charge = {"token": "tok_" + "a" * 28, "amount": 100, "currency": "GBP", "description": text}
        yield Misuse("POST", "/v1/charges", {"json": charge}, CARD_DATA_REFUSED)
        key = {"name": text, "scopes": ["calls:read"]}
        yield Misuse("POST", "/v1/api_keys", {"json": key}, CARD_DATA_REFUSED)
    email = {"name": "Ann", "email": f"{NUMBER}@example.com"}
    yield Misuse("POST", "/v1/customers", {"json": email}, CARD_DATA_REFUSED)


def in_other_fields(call_id: str) -> Iterator[Misuse]:
    """Where something else is asked for."""
    yield Misuse("POST", "/v1/customers", {"json": {"name": "Ann", "phone": NUMBER}})
    values: dict[str, object] = {
        "call_id": NUMBER,
        "amount": int(NUMBER),
        "currency": NUMBER,
        "customer_id": NUMBER,
        "fields": [NUMBER],
        "usage": NUMBER,
        "max_attempts": int(NUMBER),
        "first_digit_timeout_s": float(NUMBER),
        "expires_in_s": int(NUMBER),
        NUMBER: "an unknown field",
    }
    for name, value in values.items():
        session = {"call_id": call_id, "currency": "GBP", name: value}
        yield Misuse("POST", "/v1/sessions", {"json": session})
    values = {"token": NUMBER, "amount": int(NUMBER), "currency": NUMBER}
    for name, value in values.items():
        charge = {"token": "tok_" + "a" * 28, "amount": 100, "currency": "GBP", name: value}
        yield Misuse("POST", "/v1/charges", {"json": charge})
    yield Misuse("POST", "/v1/api_keys", {"json": {"name": "x", "scopes": [NUMBER]}})
    yield Misuse("POST", f"/v1/calls/{call_id}/hush", {"json": {"on": NUMBER}})


def in_addresses(session_id: str) -> Iterator[Misuse]:
    """In paths and queries."""
    for path in (
        "",
        "v1/",
        "v1/calls/",
        "v1/sessions/",
        "v1/tokens/",
        "v1/charges/",
        "v1/customers/",
        "v1/events/",
    ):
        yield Misuse("GET", f"/{path}{NUMBER}")
    yield Misuse("POST", f"/v1/sessions/{NUMBER}/complete")
    yield Misuse("POST", f"/v1/sessions/{session_id}/fields/{NUMBER}/capture")
    yield Misuse("POST", f"/v1/tokens/{NUMBER}/revoke")
    yield Misuse("POST", f"/panel/calls/{NUMBER}/hush")
    for name in (
        "cursor",
        "limit",
        "after",
        "before",
        "state",
        "call_id",
        "customer_id",
        "live",
        "phone",
        NUMBER,
    ):
        for path in ("calls", "sessions", "charges", "customers"):
            yield Misuse("GET", f"/v1/{path}", {"params": {name: NUMBER}})
    yield Misuse("GET", "/login", {"params": {"ticket": NUMBER}})
    yield Misuse("GET", "/panel", {"params": {"call": NUMBER}})


def in_headers_and_bodies(call_id: str) -> Iterator[Misuse]:
    """In headers, in forms, and in what is no JSON."""
    for name in (
        "Authorization",
        "Cookie",
        "Idempotency-Key",
        "Last-Event-ID",
        "User-Agent",
        "X-CSRF-Token",
        "X-Request-Id",
    ):
        value = {"Authorization": f"Bearer {NUMBER}", "Cookie": f"tonevault_log_in={NUMBER}"}.get(
            name, NUMBER
        )
        yield Misuse("GET", "/v1/me", {"headers": {name: value}})
    body = {"call_id": call_id, "amount": 0, "currency": "GBP"}
    yield Misuse("POST", "/v1/sessions", {"json": body, "headers": {"Idempotency-Key": NUMBER}})
    whole = json.dumps({"call_id": call_id, "reference": NUMBER})
    for content in (
        whole[:-1],
        whole.replace(":", ""),
        NUMBER,
        f'"{NUMBER}"',
        f"[{NUMBER}]",
        f"<card>{NUMBER}</card>",
    ):
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            yield Misuse("POST", "/v1/sessions", {"content": content, "headers": {"Content-Type": kind}})
    yield Misuse("POST", "/v1/sessions", {"content": b"\xff\xfe" + NUMBER.encode()})
    for name in ("login", "password", "account", "ticket"):
        form = {"login": "agent", "password": "wrong", name: NUMBER}
        yield Misuse("POST", "/login", {"data": form})


async def misuse_the_api(desk: DeskClient, call_id: str, session_id: str) -> int:
    """Send all of it; how many requests there were. Nothing may be accepted but what carries the number in a header that says nothing."""
    customer = await desk.post("/v1/customers", {"name": "Ann"})
    described = spoiled_requests(await desk.get("/openapi.json"), NUMBER)
    count = 0
    for one in (
        *in_text_fields(call_id, customer["id"]),
        *in_other_fields(call_id),
        *in_addresses(session_id),
        *in_headers_and_bodies(call_id),
        *(Misuse(*one) for one in described),
    ):
        answer = await desk.ask(one.method, one.path, **one.more)
        place = f"{one.method} {one.path}".replace(NUMBER, "…")
        assert answer.status_code < 500, place
        if one.code is not None:
            assert answer.status_code == 422, f"{place}: {answer.status_code}"
            assert answer.json()["code"] == one.code, place
        elif one.method != "GET":
            assert answer.status_code >= 400, f"{place}: {answer.status_code}"
        count += 1
    return count
