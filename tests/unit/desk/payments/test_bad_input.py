"""Every bad input to the money's addresses gets a problem document with field, rule and way out, and moves nothing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import BOLT, Bench, open_desk

from tonevault.boundary.charges import ChargeState
from tonevault.kernel.money import MAX_AMOUNT_MINOR

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
    before: Callable[[Place], Awaitable[None]] | None = None


async def revoke(place: Place) -> None:
    await place.client.post(f"/v1/tokens/{place.token}/revoke")


async def lack_the_currency(place: Place) -> None:
    place.desk.zone.ledger.next_charge = (ChargeState.FAILED, "currency_not_supported")


def charge(name: str, change: dict[str, object], *expected: object, **more: object) -> Case:
    good: dict[str, object] = {"token": "TOKEN", "amount": 500, "currency": "GBP"}
    return Case(name, "/v1/charges", good | change, *expected, **more)  # type: ignore[arg-type]


def refund(name: str, change: dict[str, object], *expected: object) -> Case:
    return Case(name, "/v1/charges/CHARGE/refund", change, *expected)  # type: ignore[arg-type]


def schedule(name: str, change: dict[str, object], *expected: object) -> Case:
    good: dict[str, object] = {"token": "TOKEN", "amount": 5, "currency": "GBP", "unit": "month"}
    return Case(name, "/v1/schedules", good | change, *expected)  # type: ignore[arg-type]


INVALID = (422, "invalid_request")
CASES = (
    charge("unknown token", {"token": f"tok_{NOWHERE}"}, 404, "not_found"),
    charge("a token that is none", {"token": CARD}, *INVALID, "token", "pattern"),
    charge("revoked token", {}, 409, "token_not_chargeable", before=revoke),
    charge("no amount", {"amount": None}, *INVALID, "amount", "type"),
    charge("amount of nothing", {"amount": 0}, *INVALID, "amount", "minimum"),
    charge("negative amount", {"amount": -1}, *INVALID, "amount", "minimum"),
    charge("oversized amount", {"amount": MAX_AMOUNT_MINOR + 1}, *INVALID, "amount", "maximum"),
    charge("fraction", {"amount": 12.5}, *INVALID, "amount", "type"),
    charge("amount as text", {"amount": "500"}, *INVALID, "amount", "type"),
    charge("currency that is none", {"currency": "gbp"}, *INVALID, "currency", "pattern"),
    charge("currency that nobody charges in", {"currency": "XAU"}, *INVALID, "currency", "iso_4217"),
    charge("unknown capture", {"capture": "later"}, *INVALID, "capture", "enum"),
    charge("unknown initiator", {"initiator": "robot"}, *INVALID, "initiator", "enum"),
    charge("unknown field", {CARD: 1}, *INVALID, "body", "unknown_field"),
    charge("card number in words", {"description": f"card {CARD}"}, 422, "card_data_refused", "description"),
    refund("too much", {"amount": 1001}, 422, "amount_too_large", "amount"),
    refund("nothing", {"amount": 0}, *INVALID, "amount", "minimum"),
    refund("card number as reason", {"reason": CARD}, 422, "card_data_refused", "reason"),
    Case("capture of what was taken", "/v1/charges/CHARGE/capture", {}, 409, "not_capturable"),
    Case("charge that is none", f"/v1/charges/{CARD}/refund", {}, 404, "not_found"),
    Case("unknown charge", f"/v1/charges/ch_{NOWHERE}/refund", {}, 404, "not_found"),
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
    Case(
        "reconciliation that ends before it begins",
        "/v1/reconciliations",
        {"since": "2027-02-02T00:00:00Z", "until": "2027-02-01T00:00:00Z"},
        *INVALID,
        "until",
        "after_since",
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bad_request(tmp_path: Path, case: Case) -> None:
    async def story(place: Place) -> None:
        if case.before is not None:
            await case.before(place)
        path, body = filled(place, case)
        check(await place.client.post(path, json=body, headers={"Idempotency-Key": "k"}), case)
        assert len(place.desk.zone.ledger.charges) == 1
        assert not place.desk.zone.ledger.operations

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


MUTATING = (
    "/v1/charges",
    "/v1/charges/CHARGE/capture",
    "/v1/charges/CHARGE/void",
    "/v1/charges/CHARGE/refund",
    "/v1/schedules",
    "/v1/splits",
    "/v1/reconciliations",
)


def test_every_address_that_moves_money_wants_a_key_and_refuses_another_body_under_it(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        good = next(each for each in CASES if each.name == "too much")
        path, _ = filled(place, good)
        first = await place.client.post(path, json={"amount": 10}, headers={"Idempotency-Key": "same"})
        assert first.status_code == 201
        changed = await place.client.post(path, json={"amount": 11}, headers={"Idempotency-Key": "same"})
        assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_mismatch")
        parts = [{"token": place.token, "amount": 5}, {"token": f"tok_{NOWHERE}", "amount": 5}]
        bodies: dict[str, dict[str, object]] = {
            "/v1/charges": {"token": place.token, "amount": 5, "currency": "GBP"},
            "/v1/schedules": {"token": place.token, "amount": 5, "currency": "GBP", "unit": "day"},
            "/v1/splits": {"currency": "GBP", "parts": parts},
            "/v1/reconciliations": {"since": "2027-02-01T00:00:00Z", "until": "2027-02-02T00:00:00Z"},
        }
        for each in MUTATING:
            answer = await place.client.post(each.replace("CHARGE", place.charge), json=bodies.get(each, {}))
            code = answer.json().get("code")
            assert (answer.status_code, code) == (422, "idempotency_key_required"), each

    run(tmp_path, story)


def test_another_account_finds_nothing_and_moves_nothing(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        async with place.desk.client(account=BOLT) as bolt:
            for path, body in (
                ("/v1/charges", {"token": place.token, "amount": 5, "currency": "GBP"}),
                (f"/v1/charges/{place.charge}/refund", {}),
                (f"/v1/charges/{place.charge}/void", {}),
                ("/v1/schedules", {"token": place.token, "amount": 5, "currency": "GBP", "unit": "day"}),
            ):
                answer = await bolt.post(path, json=body, headers={"Idempotency-Key": path})
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
            assert (await bolt.get("/v1/refunds")).json()["data"] == []
            assert (await bolt.get(f"/v1/charges/{place.charge}/operations")).json()["data"] == []
        assert len(place.desk.zone.ledger.charges) == 1

    run(tmp_path, story)
