"""No route of the desk opens without a key or a log-in, and none shows one account what is another's."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount

from tests.boundary.address import filled
from tests.unit.desk.bench import ACME, BOLT, open_desk
from tonevault.boundary.captures import FieldName
from tonevault.desk.panel.mount import mount_panel
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

PUBLIC = {
    "/health": "tells nothing of any account",
    "/openapi.json": "describes the product",
    "/docs": "describes the product",
    "/docs/docs.css": "is the style of /docs",
    "/login": "is the door itself",
    "/logout": "forgets a log-in, and is harmless without one",
    "/": "leads to the panel",
}
"""Every address that answers strangers, and why it may."""
STATIC = {"/panel/static"}
"""Mounted files: scripts and styles of the product."""


def endpoints(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of included routers too."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from endpoints(included.routes, prefix + route.include_context.prefix)  # type: ignore[attr-defined]
        elif isinstance(route, Mount):
            assert prefix + route.path in STATIC, f"{prefix}{route.path} is mounted and nobody guards it"
        else:
            methods = getattr(route, "methods", None)
            assert methods, f"{route!r} is no plain route"
            for method in methods:
                yield method, prefix + route.path  # type: ignore[attr-defined]


def with_panel(desk_app: FastAPI, **parts: object) -> FastAPI:
    mount_panel(
        desk_app,
        parts["services"],  # type: ignore[arg-type]
        parts["clock"],  # type: ignore[arg-type]
        SYSTEM_ENTROPY,
        currency_of=lambda _account_id: "GBP",
        fields_of=lambda _account_id: (FieldName.CARD_NUMBER, FieldName.EXPIRY),
    )
    return desk_app


def test_the_walk_sees_the_routes(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            seen = set(endpoints(with_panel(desk.app, services=desk.services, clock=desk.clock).routes))
            documented = {
                (method.upper(), path)
                for path, methods in desk.app.openapi()["paths"].items()
                for method in methods
            }
            assert documented <= seen
            assert len(documented) > 20
            assert {"/panel", "/panel/stream"} <= {path for _, path in seen}

    asyncio.run(play())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer tv_acme_" + "a" * 28},
        {"Cookie": "tonevault_log_in=tvs_acme_" + "a" * 28},
    ],
    ids=["nothing", "a wrong key", "a wrong cookie"],
)
def test_every_route_is_authenticated(tmp_path: Path, headers: dict[str, str]) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            app = with_panel(desk.app, services=desk.services, clock=desk.clock)
            async with desk.stranger(headers) as stranger:
                for method, path in endpoints(app.routes):
                    if path in PUBLIC:
                        continue
                    answer = await stranger.request(
                        method, filled(path), params={"on": "true"}, headers={"Idempotency-Key": "k"}
                    )
                    to_log_in = answer.status_code == 303 and answer.headers["location"] == "/login"
                    assert answer.status_code == 401 or to_log_in, f"{method} {path}: {answer.status_code}"

    asyncio.run(play())


def test_accounts_do_not_see_each_other(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as acme, desk.client(account=BOLT) as bolt:
            customer = (await acme.post("/v1/customers", json={"name": "Ann", "phone": "01632960001"})).json()
            done = await desk.take_card(acme, amount=500, currency="GBP")
            key = (await acme.post("/v1/api_keys", json={"name": "x", "scopes": ["calls:read"]})).json()
            token, charge = done["token"], done["charge"]
            assert isinstance(token, dict)
            assert isinstance(charge, dict)
            event = (await acme.get("/v1/events")).json()["data"][0]

            things = {
                f"/v1/customers/{customer['id']}",
                f"/v1/calls/{done['call_id']}",
                f"/v1/sessions/{done['id']}",
                f"/v1/tokens/{token['id']}",
                f"/v1/charges/{charge['id']}",
                f"/v1/events/{event['id']}",
            }
            for path in things:
                assert (await acme.get(path)).status_code == 200, path
                assert (await bolt.get(path)).status_code == 404, path
            acts = (
                ("PATCH", f"/v1/customers/{customer['id']}", {"name": "Eve"}),
                ("POST", f"/v1/calls/{done['call_id']}/hush", {"on": True}),
                ("POST", f"/v1/sessions/{done['id']}/cancel", None),
                ("POST", f"/v1/sessions/{done['id']}/complete", None),
                ("POST", f"/v1/sessions/{done['id']}/fields/expiry/capture", None),
                ("POST", f"/v1/tokens/{token['id']}/revoke", None),
                ("POST", f"/v1/api_keys/{key['api_key']['id']}/revoke", None),
                ("POST", "/v1/charges", {"token": token["id"], "amount": 5, "currency": "GBP"}),
                ("POST", "/v1/sessions", {"call_id": done["call_id"]}),
            )
            for method, path, body in acts:
                answer = await bolt.request(method, path, json=body, headers={"Idempotency-Key": path})
                assert answer.status_code == 404, f"{method} {path}: {answer.text}"
            for listed in ("customers", "calls", "sessions", "tokens", "charges", "events"):
                ids = {each["id"] for each in (await bolt.get(f"/v1/{listed}")).json()["data"]}
                assert not ids, listed
            entries = (await bolt.get("/v1/audit_entries")).text
            assert str(done["id"]) not in entries
            assert (await acme.get(f"/v1/tokens/{token['id']}")).json()["state"] == "active"
            assert ACME in key["secret"]

    asyncio.run(play())


def test_one_account_does_not_get_the_answers_of_anothers_idempotency_key(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as acme, desk.client(account=BOLT) as bolt:
            headers, body = {"Idempotency-Key": "same"}, {"name": "Ann"}
            first = (await acme.post("/v1/customers", json=body, headers=headers)).json()
            second = (await bolt.post("/v1/customers", json=body, headers=headers)).json()
            assert first["id"] != second["id"]

    asyncio.run(play())
