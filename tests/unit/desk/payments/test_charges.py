"""Charges over the API: results are values, silence is not failure, and nothing is charged twice."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import ACME, Bench, open_desk

from tonevault.boundary.charges import ChargeRequest, ChargeResult, ChargeState
from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.desk.payments.sending import NOT_SENT, ON_ITS_WAY, SEND_FOR
from tonevault.kernel.ids import ChargeId, TokenId


async def token(desk: Bench, client: httpx.AsyncClient, **body: object) -> str:
    done = await desk.take_card(client, **body)
    kept = done["token"]
    assert isinstance(kept, dict)
    return str(kept["id"])


async def charge(client: httpx.AsyncClient, token_id: str, key: str, amount: int = 500) -> httpx.Response:
    body = {"token": token_id, "amount": amount, "currency": "GBP", "description": "Order"}
    return await client.post("/v1/charges", json=body, headers={"Idempotency-Key": key})


def before(
    act: Callable[[ChargeRequest], Awaitable[ChargeResult]], fault: Exception
) -> Callable[[ChargeRequest], Awaitable[ChargeResult]]:
    """The request is lost on its way."""

    async def lost(request: ChargeRequest) -> ChargeResult:
        raise fault

    return lost


def after(
    act: Callable[[ChargeRequest], Awaitable[ChargeResult]], fault: Exception
) -> Callable[[ChargeRequest], Awaitable[ChargeResult]]:
    """The request arrives, and the answer is lost."""

    async def unanswered(request: ChargeRequest) -> ChargeResult:
        await act(request)
        raise fault

    return unanswered


def test_a_charge_and_its_replay(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            first, second = await charge(client, kept, "one"), await charge(client, kept, "one")
            assert (first.status_code, first.json()["state"]) == (201, "succeeded")
            assert (second.status_code, second.content) == (201, first.content)
            assert len(desk.zone.ledger.charges) == 1
            other = await charge(client, kept, "one", amount=501)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
            assert (await charge(client, kept, "two")).json()["id"] != first.json()["id"]
            listed = (await client.get("/v1/charges")).json()["data"]
            assert len(listed) == 2

    asyncio.run(play())


def test_a_charge_needs_an_idempotency_key(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            answer = await client.post("/v1/charges", json={"token": kept, "amount": 5, "currency": "GBP"})
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_required")
            assert not desk.zone.ledger.charges

    asyncio.run(play())


def test_two_at_once_under_one_key_charge_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            answers = await asyncio.gather(*(charge(client, kept, "same") for _ in range(5)))
            assert {each.status_code for each in answers} <= {201, 409}
            codes = {each.json()["code"] for each in answers if each.status_code == 409}
            assert codes <= {"idempotency_in_flight"}
            assert len(desk.zone.ledger.charges) == 1

    asyncio.run(play())


def test_a_decline_is_a_result(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            desk.zone.ledger.next_charge = (ChargeState.DECLINED, "do_not_honor")
            answer = await charge(client, kept, "k")
            assert (answer.status_code, answer.json()["state"]) == (201, "declined")
            assert answer.json()["code"] == "do_not_honor"

    asyncio.run(play())


def test_an_unknown_charge_is_settled_by_a_later_notice(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            desk.zone.ledger.next_charge = (ChargeState.UNKNOWN, None)
            made = (await charge(client, kept, "k")).json()
            assert made["state"] == "unknown"
            desk.clock.advance(5)
            desk.zone.settle(ChargeId(made["id"]), ChargeState.SUCCEEDED)
            await desk.caught_up()
            assert (await client.get(f"/v1/charges/{made['id']}")).json()["state"] == "succeeded"

    asyncio.run(play())


def test_with_the_secure_zone_away_no_charge_is_begun(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            desk.zone.unreachable = True
            answer = await charge(client, kept, "k")
            assert (answer.status_code, answer.json()["code"]) == (503, "secure_zone_unreachable")
            assert answer.headers["retry-after"] == "2"
            assert (await client.get("/v1/charges")).json()["data"] == []
            desk.zone.unreachable = False
            assert (await charge(client, kept, "k")).json()["state"] == "succeeded"

    asyncio.run(play())


def silence(desk: Bench, how: Callable[..., object], fault: Exception) -> Callable[[], None]:
    """Make `charge` of the zone fail in this way; answers how to mend it."""
    real = desk.zone.charge
    desk.zone.charge = how(real, fault)  # type: ignore[method-assign, assignment]

    def mend() -> None:
        desk.zone.charge = real  # type: ignore[method-assign]

    return mend


def test_a_lost_answer_leaves_the_charge_pending_and_it_is_settled_without_a_second(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            for how, fault in (
                (after, SecureZoneUnreachableError("lost")),
                (before, SecureZoneUnreachableError("lost")),
                (after, SecureZoneError(500, "internal_error", "failed after acting")),
            ):
                mend = silence(desk, how, fault)
                there = len(desk.zone.ledger.charges)
                made = (await charge(client, kept, f"{how} {fault}")).json()
                mend()
                await desk.caught_up()
                desk.clock.advance(15)
                await desk.services.sweeper.sweep()
                settled = (await client.get(f"/v1/charges/{made['id']}")).json()
                assert settled["state"] == "succeeded"
                assert len(desk.zone.ledger.charges) == there + 1

    asyncio.run(play())


def test_a_refusal_ends_the_charge(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            mend = silence(desk, before, SecureZoneError(422, "amount_refused", "no"))
            made = (await charge(client, kept, "k")).json()
            mend()
            assert (made["state"], made["code"]) == ("failed", "amount_refused")

    asyncio.run(play())


def test_a_charge_that_was_never_sent_is_not_sent_when_nobody_waits_any_more(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            mend = silence(desk, before, SecureZoneUnreachableError("lost"))
            made = (await charge(client, kept, "k")).json()
            assert made["state"] == "pending"
            mend()
            desk.clock.advance(SEND_FOR.total_seconds() + 1)
            await desk.services.sweeper.sweep()
            # Another node's request may have been let in at the last moment, and not be seen yet.
            assert (await client.get(f"/v1/charges/{made['id']}")).json()["state"] == "pending"
            desk.clock.advance(ON_ITS_WAY.total_seconds())
            await desk.services.sweeper.sweep()
            ended = (await client.get(f"/v1/charges/{made['id']}")).json()
            assert (ended["state"], ended["code"]) == ("failed", NOT_SENT)
            assert not desk.zone.ledger.charges

            # Had the request been under way all the time, its report would still count.
            late = ChargeRequest(
                charge_id=ChargeId(made["id"]),
                account_id=ACME,
                token_id=TokenId(kept),
                amount={"amount_minor": 500, "currency": "GBP"},  # type: ignore[arg-type]
            )
            await desk.zone.charge(late)
            await desk.caught_up()
            assert (await client.get(f"/v1/charges/{made['id']}")).json()["state"] == "succeeded"

    asyncio.run(play())


def test_what_arrives_too_late_is_not_charged(tmp_path: Path) -> None:
    """The first request hangs on its way until the desk has told that the charge failed: it must not be made any more."""

    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            hanging: list[ChargeRequest] = []

            async def hang(request: ChargeRequest) -> ChargeResult:
                hanging.append(request)
                raise SecureZoneUnreachableError("lost")

            real = desk.zone.charge
            desk.zone.charge = hang  # type: ignore[method-assign]
            made = (await charge(client, kept, "k")).json()
            desk.zone.charge = real  # type: ignore[method-assign]
            desk.clock.advance((SEND_FOR + ON_ITS_WAY).total_seconds() + 1)
            await desk.services.charges.settle()
            assert (await client.get(f"/v1/charges/{made['id']}")).json()["state"] == "failed"
            with pytest.raises(SecureZoneError, match="not_sent"):
                await desk.zone.charge(hanging[0])
            assert not desk.zone.ledger.charges

    asyncio.run(play())


def test_a_secure_zone_that_lets_nobody_in_ends_no_charge(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            mend = silence(desk, after, SecureZoneError(401, "unauthorised", "authorization: is wrong"))
            made = (await charge(client, kept, "k")).json()
            mend()
            await desk.caught_up()
            settled = (await client.get(f"/v1/charges/{made['id']}")).json()
            assert settled["state"] == "succeeded"
            events = (await client.get("/v1/events")).json()["data"]
            assert "charge.failed" not in [each["type"] for each in events]

    asyncio.run(play())


def test_a_desk_that_dies_with_a_charge_under_way_settles_it_once_it_is_back(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            silence(desk, after, SystemExitOfTheDeskError())
            zone, clock = desk.zone, desk.clock
            answer = await charge(client, kept, "k")
            assert answer.status_code == 500
        del zone.charge
        async with open_desk(tmp_path, zone=zone, clock=clock) as desk, desk.client() as client:
            again = await charge(client, kept, "k")
            assert (again.status_code, again.json()["state"]) == (201, "succeeded")
            assert len(zone.ledger.charges) == 1

    asyncio.run(play())


class SystemExitOfTheDeskError(Exception):
    """Stands for the end of the process in mid-request."""


def test_a_token_that_cannot_be_charged(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            once = await token(desk, client, usage="single")
            assert (await charge(client, once, "a")).json()["state"] == "succeeded"
            spent = await charge(client, once, "b")
            assert (spent.status_code, spent.json()["code"]) == (409, "token_not_chargeable")
            assert spent.json()["token_state"] == "consumed"
            assert "Capture the card again" in spent.json()["detail"]

            kept = await token(desk, client)
            revoked = await client.post(f"/v1/tokens/{kept}/revoke")
            assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
            refused = await charge(client, kept, "c")
            assert refused.json()["token_state"] == "revoked"
            listed = (await client.get("/v1/tokens")).json()["data"]
            assert {each["id"]: each["state"] for each in listed}[kept] == "revoked"

    asyncio.run(play())


def test_a_token_that_ends_as_it_is_charged_is_refused_however_often_it_is_asked(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            real = desk.zone.charge

            async def revoked_first(request: ChargeRequest) -> ChargeResult:
                desk.zone.ledger.revoke(ACME, TokenId(kept))
                return await real(request)

            desk.zone.charge = revoked_first  # type: ignore[method-assign]
            for _ in range(2):
                refused = await charge(client, kept, "k")
                assert (refused.status_code, refused.json()["code"]) == (409, "token_not_chargeable")
                assert refused.json()["token_state"] == "revoked"

    asyncio.run(play())


def test_a_token_can_be_read_while_the_secure_zone_is_away(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            desk.zone.unreachable = True
            assert (await client.get(f"/v1/tokens/{kept}")).json()["state"] == "active"
            unknown = await client.get("/v1/tokens/tok_" + "a" * 28)
            assert unknown.status_code == 503

    asyncio.run(play())
