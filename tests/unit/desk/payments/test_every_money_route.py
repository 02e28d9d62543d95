"""Every address that changes anything about money: what each refuses, by one table, on one desk that must come out of it unchanged."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.desk.bench import ACME, BOLT, Bench, open_desk

from tonevault.desk.idempotency.service import KeyedRequest
from tonevault.kernel.money import MAX_AMOUNT_MINOR

Json = dict[str, Any]
NOWHERE = "z" * 28
CARD = "4242424242424242"
TAKEN = frozenset({"GBP", "USD"})
LACKING = "KWD"


@dataclass(frozen=True)
class Route:
    """A good request; words in capitals stand for things of the desk. `changed` is another good body; `amount` where the amount stands."""

    path: str
    body: Json = field(default_factory=dict)
    changed: Json = field(default_factory=lambda: {"other": 1})
    amount: Callable[[Json, object], Json] | None = None
    key: str = "required"

    @property
    def has_currency(self) -> bool:
        return "currency" in self.body

    @property
    def things(self) -> list[str]:
        whole = self.path + json.dumps(self.body)
        return [each for each in ("TOKEN", "CHARGE", "SCHEDULE", "CALL", "SESSION") if each in whole]


def plainly(body: Json, amount: object) -> Json:
    return body | {"amount": amount}


def in_a_part(body: Json, amount: object) -> Json:
    first, *others = body["parts"]
    return body | {"parts": [first | {"amount": amount}, *others]}


PAID: Json = {"token": "tok_TOKEN", "amount": 500, "currency": "GBP"}
SPLIT: Json = {
    "parts": [{"token": "tok_TOKEN", "amount": 5}, {"token": f"tok_{'y' * 28}", "amount": 5}],
    "currency": "GBP",
}
SPAN: Json = {"since": "2027-02-01T00:00:00Z", "until": "2027-02-02T00:00:00Z"}
ROUTES = (
    Route("/v1/charges", PAID, PAID | {"amount": 501}, plainly),
    Route("/v1/charges/ch_CHARGE/capture", {"amount": 5}, {"amount": 6}, plainly),
    Route("/v1/charges/ch_CHARGE/void"),
    Route("/v1/charges/ch_CHARGE/refund", {"amount": 5}, {"amount": 6}, plainly),
    Route("/v1/schedules", PAID | {"unit": "month"}, PAID | {"unit": "day"}, plainly),
    *(Route(f"/v1/schedules/sch_SCHEDULE/{verb}") for verb in ("pause", "resume", "cancel")),
    Route("/v1/splits", SPLIT, SPLIT | {"description": "other"}, in_a_part),
    Route("/v1/reconciliations", SPAN, SPAN | {"since": "2027-01-31T00:00:00Z"}),
    Route(
        "/v1/sessions",
        {"call_id": "call_CALL", "amount": 500, "currency": "GBP"},
        {"call_id": "call_CALL", "amount": 501, "currency": "GBP"},
        plainly,
    ),
    Route("/v1/sessions/ps_SESSION/retry", {"postal_code": "10001"}, {"postal_code": "10002"}),
    Route(
        "/v1/tokens/tok_TOKEN/replace", {"call_id": "call_CALL"}, {"call_id": "call_CALL", "reference": "x"}
    ),
    *(
        Route(path, key="welcome")
        for path in (
            "/v1/tokens/tok_TOKEN/revoke",
            "/v1/sessions/ps_SESSION/complete",
            "/v1/sessions/ps_SESSION/cancel",
            "/v1/sessions/ps_SESSION/fields/expiry/capture",
        )
    ),
)
KEPT_NOWHERE = {"/v1/api_keys": {"post"}}
ELSEWHERE = {"/v1/customers", "/v1/customers/{customer_id}", "/v1/calls/{call_id}/hush", "/v1/api_keys"}
"""Changes that are none of money's; tests/unit/desk/customers, calls and people have them. A key that is revoked is one more."""


@dataclass
class Place:
    desk: Bench
    client: httpx.AsyncClient
    bolt: httpx.AsyncClient
    things: dict[str, str]

    def filled(self, text: str, but: str = "") -> str:
        for word, letters in self.things.items():
            text = text.replace(f"_{word}", f"_{NOWHERE if word == but else letters}")
        return text

    def asked(self, route: Route, body: Json, but: str = "") -> tuple[str, Json]:
        return self.filled(route.path, but), json.loads(self.filled(json.dumps(body), but))

    def state(self) -> tuple[int, int, int]:
        """What the secure zone has been asked to do."""
        ledger = self.desk.zone.ledger
        return len(ledger.charges), len(ledger.operations), len(ledger.reconciliations)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Place]:
    async with (
        open_desk(folder, currencies_of=lambda _: TAKEN) as desk,
        desk.client() as client,
        desk.client(account=BOLT) as bolt,
    ):
        done: Json = await desk.take_card(client)
        token, call = done["token"]["id"], await desk.live_call()

        async def made(path: str, body: Json) -> str:
            answer = await client.post(path, json=body, headers={"Idempotency-Key": path})
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        charge = await made("/v1/charges", PAID | {"token": token, "capture": "manual"})
        schedule = PAID | {"token": token, "unit": "month", "starts_at": "2028-01-01T00:00:00Z"}
        things = {
            "TOKEN": token,
            "CHARGE": charge,
            "SCHEDULE": await made("/v1/schedules", schedule),
            "CALL": call.call_id,
            "SESSION": done["id"],
        }
        yield Place(desk, client, bolt, {name: each.partition("_")[2] for name, each in things.items()})


@dataclass(frozen=True)
class Bad:
    """A request that must be refused, and how."""

    name: str
    path: str
    body: Json
    status: int
    code: str
    field: str = ""
    rule: str = ""
    by: str = "acme"


def bad_requests(place: Place) -> Iterator[Bad]:
    for route in ROUTES:
        path, body = place.asked(route, route.body)
        for thing in route.things:
            unknown = place.asked(route, route.body, thing)
            yield Bad(f"unknown {thing}", *unknown, 404, "not_found")
        if route.things:
            yield Bad("another account's", path, body, 404, "not_found", by="bolt")
        if route.amount is not None:
            for amount, rule in (
                (-1, "minimum"),
                (0, "minimum"),
                (MAX_AMOUNT_MINOR + 1, "maximum"),
                (1.5, "type"),
                (int(CARD), "maximum"),
            ):
                where = "parts.0.amount" if "parts" in body else "amount"
                wrong = route.amount(body, amount)
                yield Bad(f"amount {rule}", path, wrong, 422, "invalid_request", where, rule)
        if route.has_currency:
            lacking = body | {"currency": LACKING}
            yield Bad("currency", path, lacking, 422, "currency_not_supported", "currency")
            none = body | {"currency": "XAU"}
            yield Bad("no currency", path, none, 422, "invalid_request", "currency", "iso_4217")
    span = {"since": SPAN["until"], "until": SPAN["since"]}
    yield Bad("span", "/v1/reconciliations", span, 422, "invalid_request", "until", "after_since")


def check(answer: httpx.Response, status: int, code: str, place: str) -> Json:
    problem: Json = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), f"{place}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json", place
    assert problem["type"].endswith(code), place
    # The way out: a sentence that says what to do, not only what is wrong.
    assert len(problem["detail"]) > 20, place
    assert CARD not in answer.text, place
    return problem


def test_each_bad_input_is_refused_with_field_rule_and_way_out(tmp_path: Path) -> None:
    async def play() -> None:
        async with opened(tmp_path) as place:
            before, count = place.state(), 0
            for number, bad in enumerate(bad_requests(place)):
                client = place.client if bad.by == "acme" else place.bolt
                key = {"Idempotency-Key": f"bad-{number}"}
                answer = await client.post(bad.path, json=bad.body, headers=key)
                problem = check(answer, bad.status, bad.code, f"{bad.name} at {bad.path}")
                assert problem["errors"], bad
                if bad.field:
                    fault = problem["errors"][0]
                    assert fault["field"] == bad.field, bad
                    assert fault["rule"] == (bad.rule or bad.code), bad
                    assert fault["detail"], bad
                count += 1
            assert count > 60
            assert place.state() == before

    asyncio.run(play())


def test_each_route_keeps_to_its_key(tmp_path: Path) -> None:
    """409 while the first request is at work, 422 with another body, 422 without a key where one is required."""

    async def play() -> None:
        async with opened(tmp_path) as place:
            before = place.state()
            for number, route in enumerate(ROUTES):
                path, body = place.asked(route, route.body)
                await _collide(place, path, body, place.asked(route, route.changed)[1], f"key-{number}")
                if route.key == "required":
                    answer = await place.client.post(path, json=body)
                    problem = check(answer, 422, "idempotency_key_required", path)
                    assert problem["errors"][0]["field"] == "Idempotency-Key"
            assert place.state() == before

    asyncio.run(play())


async def _collide(place: Place, path: str, body: Json, changed: Json, key: str) -> None:
    """While one request is at work under the key, the same comes again, and another."""
    begun, finish = asyncio.Event(), asyncio.Event()

    async def act(_letters: str) -> object:
        begun.set()
        await finish.wait()
        return {"first": True}

    first = KeyedRequest(key, "POST", path, place.client.build_request("POST", path, json=body).content)
    working = asyncio.create_task(place.desk.services.idempotency.once(ACME, first, 201, act))
    await begun.wait()
    headers = {"Idempotency-Key": key}
    again = await place.client.post(path, json=body, headers=headers)
    check(again, 409, "idempotency_in_flight", path)
    assert again.headers["retry-after"] == "1"
    check(await place.client.post(path, json=changed, headers=headers), 422, "idempotency_mismatch", path)
    finish.set()
    await working
    done = await place.client.post(path, json=body, headers=headers)
    assert (done.status_code, done.json()) == (201, {"first": True}), path


def test_the_table_has_every_route_that_changes_anything(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            paths = desk.app.openapi()["paths"]
            documented = {
                path for path, methods in paths.items() if {"post", "patch", "delete"} & methods.keys()
            }
            words = {"{charge_id}": "ch_CHARGE", "{schedule_id}": "sch_SCHEDULE", "{token_id}": "tok_TOKEN"}
            words |= {"{session_id}": "ps_SESSION", "{field}": "expiry"}
            mine = set()
            for path in documented - ELSEWHERE - {"/v1/api_keys/{key_id}/revoke"}:
                for name, word in words.items():
                    path = path.replace(name, word)  # noqa: PLW2901 - one name after another
                mine.add(path)
            assert mine == {route.path for route in ROUTES}

    asyncio.run(play())


def test_every_change_of_the_api_takes_a_key(tmp_path: Path) -> None:
    """Also those that are none of money's; all but the making of an API key, whose secret is shown once and kept nowhere."""

    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            for path, methods in desk.app.openapi()["paths"].items():
                for method in {"post", "patch", "put", "delete"} & methods.keys() - KEPT_NOWHERE.get(
                    path, set()
                ):
                    names = {each["name"] for each in methods[method].get("parameters", ())}
                    assert "Idempotency-Key" in names, f"{method} {path}"

    asyncio.run(play())


@pytest.mark.parametrize("currency", sorted(TAKEN))
def test_what_the_gateway_takes_is_taken(tmp_path: Path, currency: str) -> None:
    async def play() -> None:
        async with opened(tmp_path) as place:
            path, body = place.asked(ROUTES[0], PAID | {"currency": currency})
            answer = await place.client.post(path, json=body, headers={"Idempotency-Key": "good"})
            assert answer.status_code == 201

    asyncio.run(play())
