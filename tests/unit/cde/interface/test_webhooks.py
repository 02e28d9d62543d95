"""Gateways' webhooks over HTTP: verified, dated, heard once, and a reason to look up now; every bad one gets a problem document."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from tests.custodians import ALICE, BORIS, QUICK
from tests.till import ACCOUNT, Play, Till, player, request

from tonevault.boundary.charges import ChargeState
from tonevault.cde.charging.hints import KEPT
from tonevault.cde.charging.jobs import SETTLE
from tonevault.cde.charging.store import attempts_of
from tonevault.cde.gateway import Hint, HintAbout
from tonevault.cde.gateways.simulator.outcomes import TIMEOUT_SILENT
from tonevault.cde.interface.webhooks import MAX_WEBHOOK_BYTES, GatewayWebhookApp
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.keys.rekeying import Rekeying
from tonevault.cde.schema import ACCOUNT_KEY, GATEWAY_EVENT, JOB
from tonevault.cde.vault.keys import REREAD_AFTER
from tonevault.kernel.ids import ChargeId
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

PATH = "/gateways/simulator/acme/webhook"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


def client(till: Till) -> httpx.AsyncClient:
    app = GatewayWebhookApp(till.cashier.hints)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://secure")  # type: ignore[arg-type]


async def unknown_charge(till: Till) -> tuple[ChargeId, str]:
    sale = till.sale()
    till.simulator.play_next(TIMEOUT_SILENT)
    await till.completion.vault_and_charge(ACCOUNT, till.card(), sale=sale)
    attempts = await till.database.read(lambda c: attempts_of(c, ACCOUNT, sale.charge_id))
    return sale.charge_id, attempts[0].attempt_id


def test_a_webhook_makes_the_charge_be_looked_up_now(play: Play) -> None:
    async def story(till: Till) -> None:
        charge, reference = await unknown_charge(till)
        await till.cashier.sweep()
        till.clock.advance(21)
        async with client(till) as gateway:
            headers, body = till.simulator.webhook(Hint("evt_one", HintAbout.PAYMENT, reference))
            first = await gateway.post(PATH, content=body, headers=headers)
            assert (first.status_code, first.json()) == (200, {"received": True, "fresh": 1})
            again = await gateway.post(PATH, content=body, headers=headers)
            assert again.json() == {"received": True, "fresh": 0}
        assert await till.cashier.sweep() == 1
        assert (await till.cashier.charge_result(ACCOUNT, charge)).state is ChargeState.SUCCEEDED
        async with client(till) as gateway:
            late = till.simulator.webhook(Hint("evt_two", HintAbout.PAYMENT, reference))
            assert (await gateway.post(PATH, content=late[1], headers=late[0])).status_code == 200
        jobs = await till.database.read(lambda c: c.execute(JOB.select().where(JOB.c.kind == SETTLE)).all())
        assert jobs == []
        assert len(await till.simulator.movements(ACCOUNT)) == 1

    play(story)


def test_a_webhook_alone_moves_no_state(play: Play) -> None:
    async def story(till: Till) -> None:
        charge, reference = await unknown_charge(till)
        async with client(till) as gateway:
            headers, body = till.simulator.webhook(Hint("evt_one", HintAbout.PAYMENT, reference))
            await gateway.post(PATH, content=body, headers=headers)
        assert (await till.cashier.charge_result(ACCOUNT, charge)).state is ChargeState.UNKNOWN

    play(story)


def test_it_is_found_by_the_gateways_own_reference_too(play: Play) -> None:
    async def story(till: Till) -> None:
        done = await till.cashier.charge(request((await till.token()).token_id))
        hint = Hint("evt", HintAbout.DISPUTE, None, done.gateway_reference)
        await till.cashier.hints.heard(ACCOUNT, "simulator", hint, till.clock.utc())
        rows = await till.database.read(lambda c: c.execute(GATEWAY_EVENT.select()).all())
        assert [row.attempt_id is not None for row in rows] == [True]
        till.clock.advance(KEPT.total_seconds() + 1)
        await till.cashier.hints.forget_old(till.clock.utc())
        assert await till.database.read(lambda c: c.execute(GATEWAY_EVENT.select()).all()) == []

    play(story)


def test_an_id_is_known_again_whatever_is_in_it_and_never_kept(play: Play) -> None:
    ids = ("evt_4000-0566-5566-5556", "4000056655665556", "x" * 5_000, "\ud800 of no alphabet", "")

    async def story(till: Till) -> None:
        charge, _ = await unknown_charge(till)
        attempts = await till.database.read(lambda c: attempts_of(c, ACCOUNT, charge))
        for event_id in ids:
            hint = Hint(event_id, HintAbout.PAYMENT, attempts[0].attempt_id)
            heard = [
                (await till.cashier.hints.heard(ACCOUNT, name, hint, till.clock.utc()))[0]
                for name in ("simulator", "simulator", "stripe", "simulator")
            ]
            assert heard == [True, False, True, False]
        rows = await till.database.read(lambda c: c.execute(GATEWAY_EVENT.select()).all())
        assert len({row.event_digest for row in rows}) == 2 * len(ids)
        assert {len(row.event_digest) for row in rows} == {32}
        assert b"evt_" not in b"".join(repr(tuple(row)).encode() for row in rows)

    play(story)


def test_an_event_is_known_again_while_the_index_key_is_renewed(play: Play) -> None:
    async def story(till: Till) -> None:
        await unknown_charge(till)
        for name in ("evt_one", "evt_two"):
            hint = Hint(name, HintAbout.PAYMENT)
            assert (await till.cashier.hints.heard(ACCOUNT, "simulator", hint, till.clock.utc()))[0]
            if name == "evt_one":
                ceremonies = Ceremonies(till.database, till.clock, SYSTEM_ENTROPY, QUICK)
                await ceremonies.found(ALICE, BORIS)
                till.clock.advance(1)
                proposed = await ceremonies.propose(KeyAct.REKEY_INDEX, "*", ALICE)
                mandate = await ceremonies.approve(proposed.ceremony_id, BORIS)
                await Rekeying(till.database, till.custody, ceremonies).begin(mandate, till.clock.utc())
                till.clock.advance(REREAD_AFTER.total_seconds() + 1)
        for name in ("evt_one", "evt_two"):
            hint = Hint(name, HintAbout.PAYMENT)
            assert not (await till.cashier.hints.heard(ACCOUNT, "simulator", hint, till.clock.utc()))[0]

    play(story)


def test_an_account_gets_keys_with_its_first_event_but_not_again_once_they_are_shredded(play: Play) -> None:
    async def story(till: Till) -> None:
        async def heard() -> list[bool]:
            hint, hints = Hint("evt_one", HintAbout.PAYMENT), till.cashier.hints
            return [(await hints.heard(ACCOUNT, "simulator", hint, till.clock.utc()))[0] for _ in range(2)]

        assert await heard() == [True, False]
        await till.token()
        assert not any(await heard())
        await till.database.transact(lambda c: c.execute(ACCOUNT_KEY.delete()))
        till.clock.advance(REREAD_AFTER.total_seconds() + 1)
        assert await heard() == [True, True]
        assert await till.database.read(lambda c: c.execute(ACCOUNT_KEY.select()).all()) == []

    play(story)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ("no signature", 400, "webhook_refused"),
        ("other body", 400, "webhook_refused"),
        ("not JSON", 400, "webhook_refused"),
        ("too old", 400, "webhook_refused"),
        ("too long", 413, "body_too_large"),
        ("other gateway", 404, "not_found"),
        ("other account", 404, "not_found"),
        ("card number in the path", 404, "not_found"),
        ("GET", 405, "method_not_allowed"),
    ],
)
def test_a_bad_one_gets_a_problem_document_and_is_not_heard(
    play: Play, change: str, status: int, code: str
) -> None:
    async def story(till: Till) -> None:
        _, reference = await unknown_charge(till)
        headers, body = till.simulator.webhook(Hint("evt_one", HintAbout.PAYMENT, reference))
        path, method = PATH, "POST"
        match change:
            case "no signature":
                headers = {}
            case "other body":
                body = body.replace(b"payment", b"dispute")
            case "not JSON":
                body = b"\xff4242424242424242"
            case "too old":
                till.clock.advance(301)
            case "too long":
                body = b"x" * (MAX_WEBHOOK_BYTES + 1)
            case "other gateway":
                path = path.replace("simulator", "stripe")
            case "other account":
                path = path.replace("acme", "stranger")
            case "card number in the path":
                path = "/gateways/simulator/4242424242424242/webhook"
            case _:
                method = "GET"
        async with client(till) as gateway:
            answer = await gateway.request(method, path, content=body, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        problem = answer.json()
        assert (problem["code"], problem["status"]) == (code, status)
        assert problem["errors"][0]["field"]
        assert "4242" not in json.dumps(problem)
        assert await till.database.read(lambda c: c.execute(GATEWAY_EVENT.select()).all()) == []

    play(story)


def test_a_fault_of_ours_asks_to_be_sent_again() -> None:
    class Broken:
        async def receive(self, *args: object) -> object:
            raise OSError("the disk is gone")

    async def whole() -> None:
        app = GatewayWebhookApp(Broken())  # type: ignore[arg-type]
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://secure") as gateway:
            answer = await gateway.post(PATH, content=b"{}")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

    asyncio.run(whole())
