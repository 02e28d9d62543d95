"""What single addresses of money refuse, beside what all do (test_every_money_route): field, rule and way out, and nothing moves."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import Bench, open_desk

from tonevault.boundary.charges import ChargeState

CARD = "4242424242424242"
NOWHERE = "z" * 28


@dataclass
class Place:
    """A desk with one token and one charge of 1,000."""

    desk: Bench
    client: httpx.AsyncClient
    token: str
    charge: str


@dataclass(frozen=True)
class Case:
    """A request, as its difference from a good one; `field` is named by the answer, where one field is at fault."""

    name: str
    path: str
    body: dict[str, object]
    status: int
    code: str
    field: str = ""
    rule: str = ""


async def lack_the_currency(place: Place) -> None:
    place.desk.zone.ledger.next_charge = (ChargeState.FAILED, "currency_not_supported")


def charge(name: str, change: dict[str, object], *expected: object) -> Case:
    good: dict[str, object] = {"token": "TOKEN", "amount": 500, "currency": "GBP"}
    return Case(name, "/v1/charges", good | change, *expected)  # type: ignore[arg-type]


def refund(name: str, change: dict[str, object], *expected: object) -> Case:
    return Case(name, "/v1/charges/CHARGE/refund", change, *expected)  # type: ignore[arg-type]


def schedule(name: str, change: dict[str, object], *expected: object) -> Case:
    good: dict[str, object] = {"token": "TOKEN", "amount": 5, "currency": "GBP", "unit": "month"}
    return Case(name, "/v1/schedules", good | change, *expected)  # type: ignore[arg-type]


INVALID = (422, "invalid_request")
CASES = (
    charge("a token that is none", {"token": CARD}, *INVALID, "token", "pattern"),
    charge("no amount", {"amount": None}, *INVALID, "amount", "type"),
    charge("amount as text", {"amount": "500"}, *INVALID, "amount", "type"),
    charge("currency that is none", {"currency": "gbp"}, *INVALID, "currency", "pattern"),
    charge("unknown capture", {"capture": "later"}, *INVALID, "capture", "enum"),
    charge("unknown initiator", {"initiator": "robot"}, *INVALID, "initiator", "enum"),
    charge("unknown field", {CARD: 1}, *INVALID, "body", "unknown_field"),
    charge("card number in words", {"description": f"card {CARD}"}, 422, "card_data_refused", "description"),
    refund("too much", {"amount": 1001}, 422, "amount_too_large", "amount"),
    refund("card number as reason", {"reason": CARD}, 422, "card_data_refused", "reason"),
    Case("capture of what was taken", "/v1/charges/CHARGE/capture", {}, 409, "not_capturable"),
    Case("charge that is none", f"/v1/charges/{CARD}/refund", {}, 404, "not_found"),
    schedule("unknown unit", {"unit": "fortnight"}, *INVALID, "unit", "enum"),
    schedule("every nothing", {"every": 0}, *INVALID, "every", "minimum"),
    schedule("unknown time zone", {"time_zone": "Mars/Olympus"}, *INVALID, "time_zone", "iana"),
    schedule("start without a zone", {"starts_at": "2027-03-01T09:00:00"}, *INVALID, "starts_at"),
    schedule(
        "end before its start",
        {"starts_at": "2027-03-01T09:00:00Z", "ends_at": "2027-02-01T09:00:00Z"},
        *INVALID,
        "ends_at",
        "after_start",
    ),
    Case(
        "split of one part",
        "/v1/splits",
        {"currency": "GBP", "parts": [{"token": "TOKEN", "amount": 5}]},
        *INVALID,
        "parts",
        "min_items",
    ),
    Case(
        "split on one card twice",
        "/v1/splits",
        {"currency": "GBP", "parts": [{"token": "TOKEN", "amount": 5}] * 2},
        *INVALID,
        "parts",
        "unique",
    ),
)


def run(folder: Path, story: Callable[[Place], Awaitable[None]]) -> None:
    async def play() -> None:
        async with open_desk(folder) as desk, desk.client() as client:
            done = await desk.take_card(client)
            kept = done["token"]
            assert isinstance(kept, dict)
            body = {"token": kept["id"], "amount": 1000, "currency": "GBP"}
            made = await client.post("/v1/charges", json=body, headers={"Idempotency-Key": "first"})
            await story(Place(desk, client, str(kept["id"]), str(made.json()["id"])))

    asyncio.run(play())


def filled(place: Place, case: Case) -> tuple[str, dict[str, object]]:
    body = json.loads(json.dumps(case.body).replace("TOKEN", place.token))
    return case.path.replace("CHARGE", place.charge), body


def check(answer: httpx.Response, case: Case) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (case.status, case.code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"].endswith(case.code)
    # The way out: a sentence that says what to do, not only what is wrong.
    assert len(problem["detail"]) > 20
    if case.field:
        fault = problem["errors"][0]
        assert fault["field"] == case.field
        assert fault["rule"] == (case.rule or fault["rule"])
        assert fault["detail"]
    assert CARD not in answer.text


def test_bad_requests(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        for number, case in enumerate(CASES):
            path, body = filled(place, case)
            check(await place.client.post(path, json=body, headers={"Idempotency-Key": f"k{number}"}), case)
        assert len(place.desk.zone.ledger.charges) == 1
        assert not place.desk.zone.ledger.operations

    run(tmp_path, story)


@pytest.mark.parametrize("path", ["/v1/charges", "/v1/schedules", "/v1/splits"])
def test_a_revoked_token(tmp_path: Path, path: str) -> None:
    async def story(place: Place) -> None:
        await place.client.post(f"/v1/tokens/{place.token}/revoke")
        body: dict[str, object] = {"token": place.token, "amount": 5, "currency": "GBP"}
        if path == "/v1/schedules":
            body["unit"] = "month"
        if path == "/v1/splits":
            parts = [{"token": place.token, "amount": 5}, {"token": f"tok_{NOWHERE}", "amount": 5}]
            body = {"currency": "GBP", "parts": parts}
        field = "parts.0.token" if path == "/v1/splits" else "token"
        case = Case("revoked", path, body, 409, "token_not_chargeable", field)
        answer = await place.client.post(path, json=body, headers={"Idempotency-Key": "k"})
        check(answer, case)
        assert answer.json()["token_state"] == "revoked"
        assert "apture" in answer.json()["detail"], "the way out: another capture"
        assert len(place.desk.zone.ledger.charges) == 1

    run(tmp_path, story)


def test_a_currency_that_the_gateway_lacks_is_a_failed_charge_with_advice(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        await lack_the_currency(place)
        body = {"token": place.token, "amount": 5, "currency": "KWD"}
        answer = await place.client.post("/v1/charges", json=body, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["state"]) == (201, "failed")
        assert answer.json()["code"] == "currency_not_supported"
        assert "another" in answer.json()["advice"]

    run(tmp_path, story)
