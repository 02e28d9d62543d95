"""The panel's addresses: who gets in, what a button needs, what the start form refuses, and the headers of every answer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import Bench
from tests.unit.desk.panel.front import PASSWORD, log_in, open_front

from tonevault.desk.panel.pages import SECURITY_HEADERS
from tonevault.desk.people.model import Role

CARD = "4242 4242 4242 4242"


def play(folder: Path, story: Callable[[Bench, httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_front(folder) as bench, bench.stranger() as client:
            await story(bench, client)

    asyncio.run(run())


def test_strangers_are_sent_to_the_log_in(tmp_path: Path) -> None:
    async def story(_: Bench, client: httpx.AsyncClient) -> None:
        for address in ("/panel", "/panel?call=call_" + "a" * 28):
            answer = await client.get(address)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert (await client.get("/")).headers["location"] == "/panel"
        assert (await client.get("/panel/stream")).status_code == 401

    play(tmp_path, story)


BUTTONS = [
    "/panel/calls/{call}/sessions",
    "/panel/calls/{call}/hush?on=true",
    "/panel/sessions/{session}/fields/card_number/capture",
    "/panel/sessions/{session}/open",
    "/panel/sessions/{session}/complete",
    "/panel/sessions/{session}/cancel",
]


@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_needs_a_log_in_its_token_and_a_role_that_may(tmp_path: Path, button: str) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        call = await bench.live_call()
        async with bench.client() as program:
            session = await bench.open_session(program, call)
        address = button.format(call=call.call_id, session=session)
        assert (await client.post(address)).status_code == 401
        await log_in(bench, client)
        forged = await client.post(address, headers={"X-CSRF-Token": "forged"})
        assert forged.status_code == 403
        without = await client.post(address, headers={"X-CSRF-Token": ""})
        assert without.status_code == 403
        assert (await client.post(address)).status_code != 403
        async with bench.stranger() as auditor:
            await log_in(bench, auditor, Role.AUDITOR)
            refused = await auditor.post(address)
            assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
            assert refused.json()["detail"] == "Your role may watch, but not take payments."

    play(tmp_path, story)


def test_the_whole_job_by_its_buttons(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        await log_in(bench, client)
        call = await bench.live_call()
        where = f"/panel?call={call.call_id}"
        typed = {"amount": "12.50", "currency": "GBP", "reference": "Invoice 1042"}
        assert (await client.post(f"/panel/calls/{call.call_id}/sessions", data=typed)).status_code == 204
        session_id = (await bench.services.calls.get(call.account_id, call.call_id)).session_id
        for name, keys in (
            ("card_number", "4242424242424242#"),
            ("expiry", "1230#"),
            ("security_code", "123#"),
        ):
            button = f"/panel/sessions/{session_id}/fields/{name}/capture"
            assert (await client.post(button)).status_code == 204
            assert "Awaiting Input" in (await client.get(where)).text
            bench.zone.press(call.call_id, keys)
            await bench.caught_up()
        assert (await client.post(f"/panel/sessions/{session_id}/complete")).status_code == 204
        page = (await client.get(where)).text
        for words in ("Card securely vaulted", "Invoice 1042", "Charged: 12.50 GBP", "Start New Capture"):
            assert words in page

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"reference": CARD}, "reference", "Reference looks like a card number and was not stored"),
        ({"amount": CARD}, "amount", "Amount looks like a card number and was not stored"),
        ({"amount": "12.345"}, "amount", "Amount must be a number such as 12.50, without other signs."),
        ({"amount": "0"}, "amount", "Amount must be above zero; leave it empty to charge nothing."),
        ({"amount": "5", "currency": "XYZ"}, "currency", "Currency must be one of the currencies offered."),
        ({"reference": "a" * 201}, "reference", "Reference must have at most 200 characters."),
    ],
)
def test_a_wrong_start_form_is_explained_and_never_repeated(
    tmp_path: Path, typed: dict[str, str], field: str, words: str
) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        await log_in(bench, client)
        call = await bench.live_call()
        form = {"amount": "", "currency": "GBP", "reference": "", **typed}
        refused = await client.post(f"/panel/calls/{call.call_id}/sessions", data=form)
        assert refused.status_code == 422
        faults = refused.json()["errors"]
        assert [fault["field"] for fault in faults] == [field]
        assert faults[0]["detail"].startswith(words)
        assert typed.get(field, "?") not in refused.text
        assert (await bench.services.calls.get(call.account_id, call.call_id)).session_id is None

    play(tmp_path, story)


def test_refusals_speak_to_an_agent(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        await log_in(bench, client)
        call = await bench.live_call()
        start = f"/panel/calls/{call.call_id}/sessions"
        bench.zone.unreachable = True
        silent = await client.post(start, data={"currency": "GBP"})
        assert silent.status_code == 503
        assert "Idempotency-Key" not in silent.json()["detail"]
        bench.zone.unreachable = False
        gone = await client.post("/panel/sessions/ps_" + "z" * 28 + "/cancel")
        assert gone.json()["detail"] == "That is no longer here. Choose the call again."
        assert (await client.post("/panel/sessions/nonsense/cancel")).status_code == 404
        assert (await client.post("/panel/calls/nonsense/hush?on=true")).status_code == 404

    play(tmp_path, story)


def test_a_session_that_was_not_confirmed_is_gone_on_with_and_never_doubled(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        await log_in(bench, client)
        call = await bench.live_call()
        start, page = f"/panel/calls/{call.call_id}/sessions", f"/panel?call={call.call_id}"
        asked = {"amount": "5", "currency": "GBP", "reference": "A"}
        bench.zone.unreachable = True
        for _ in range(2):
            assert (await client.post(start, data=asked)).status_code == 503
        session_id = (await bench.services.calls.get(call.account_id, call.call_id)).session_id
        assert "has not confirmed the session yet" in (await client.get(page)).text
        bench.zone.unreachable = False
        other = await client.post(start, data={**asked, "amount": "6"})
        assert (other.status_code, other.json()["code"]) == (409, "session_in_progress")
        assert (await client.post(f"/panel/sessions/{session_id}/open")).status_code == 204
        shown = (await client.get(page)).text
        assert "Capture Card Number" in shown
        assert "5.00 GBP" in shown
        assert "Earlier on this call" not in shown
        assert len(bench.zone._captures) == 1

    play(tmp_path, story)


def test_every_answer_is_safe(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        pages = [await client.get("/login"), await client.get("/login?ticket=x"), await client.post("/login")]
        await log_in(bench, client)
        pages.append(await client.get("/panel"))
        for page in pages:
            for name, value in SECURITY_HEADERS.items():
                assert page.headers[name] == value
        policy = SECURITY_HEADERS["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        others = [
            await client.get("/"),
            await client.get("/panel/static/panel.js"),
            await client.get("/panel/static/panel.css"),
            await client.get("/panel/static/mark.svg"),
            await client.get("/panel/static/nothing.js"),
            await client.post("/panel/calls/nonsense/sessions"),
        ]
        for answer in others:
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    play(tmp_path, story)


def test_static_files_are_asked_for_again_and_stay_in_their_folder(tmp_path: Path) -> None:
    async def story(_: Bench, client: httpx.AsyncClient) -> None:
        script = await client.get("/panel/static/panel.js")
        assert script.headers["Cache-Control"] == "no-cache"
        known = {"If-None-Match": script.headers["ETag"]}
        assert (await client.get("/panel/static/panel.js", headers=known)).status_code == 304
        assert (await client.get("/panel/static/%2e%2e/pages.py")).status_code == 404

    play(tmp_path, story)


def test_logging_in_and_out(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        wrong = await client.post("/login", data={"login": "agent", "password": "nope", "account": "acme"})
        assert wrong.status_code == 401
        assert 'role="alert"' in wrong.text
        assert "nope" not in wrong.text
        several = await client.post("/login", data={"login": "agent", "password": "nope"})
        assert (several.status_code, 'name="account"' in several.text) == (422, True)
        await log_in(bench, client)
        assert (await client.post("/logout", data={"csrf_token": "forged"})).status_code == 403
        left = await client.post("/logout", data={"csrf_token": client.headers["X-CSRF-Token"]})
        assert (left.status_code, left.headers["location"]) == (303, "/login")
        assert (await client.get("/panel")).headers["location"] == "/login"

    play(tmp_path, story)


def test_another_site_cannot_log_somebody_in(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        await bench.services.people.add_user("acme", "agent", "Agent", Role.AGENT, PASSWORD)  # type: ignore[arg-type]
        form = {"login": "agent", "password": PASSWORD, "account": "acme"}
        forged = await client.post("/login", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        assert forged.status_code == 403
        assert "set-cookie" not in forged.headers
        own = await client.post("/login", data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert own.status_code == 303

    play(tmp_path, story)


def test_a_log_in_link_is_spent_by_the_page_not_by_a_preview(tmp_path: Path) -> None:
    async def story(bench: Bench, client: httpx.AsyncClient) -> None:
        await bench.services.people.add_user("acme", "agent", "Agent", Role.AGENT, PASSWORD)  # type: ignore[arg-type]
        ticket = (await bench.services.log_ins.make_ticket("acme", "agent")).text  # type: ignore[arg-type]
        for _ in range(2):
            assert ticket in (await client.get(f"/login?ticket={ticket}")).text
        assert (await client.post("/login", data={"ticket": ticket})).status_code == 303
        again = await client.post("/login", data={"ticket": ticket})
        assert (again.status_code, ticket in again.text) == (401, False)
        other = await client.get("/login", params={"ticket": "4242 4242 4242 4242"})
        assert (other.status_code, "4242" in other.text) == (401, False), "no address is written into a page"

    play(tmp_path, story)
