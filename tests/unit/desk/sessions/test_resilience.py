"""Whatever dies in mid-capture: the session comes to an end that is true, no recording stays paused, nothing is charged twice."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import FakePlatform, open_desk

from tonevault.boundary.captures import CaptureView
from tonevault.boundary.charges import ChargeState
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.desk.sessions.reconcile import OPENING, SILENCE_S
from tonevault.kernel.ids import ChargeId, SessionId


async def state(client: httpx.AsyncClient, session_id: str) -> str:
    return str((await client.get(f"/v1/sessions/{session_id}")).json()["state"])


def test_a_desk_killed_in_mid_capture_goes_on_where_it_was(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call, amount=700, currency="GBP")
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            zone, clock = desk.zone, desk.clock
        zone.press(call.call_id, "4242424242424242#")
        async with open_desk(tmp_path, zone=zone, clock=clock) as desk, desk.client() as client:
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert session["fields"][0]["masked"] == "**** **** **** 4242"
            await desk.key_card(client, call, session_id)
            done = (await client.post(f"/v1/sessions/{session_id}/complete")).json()
            assert (done["state"], done["charge"]["state"]) == ("succeeded", "succeeded")
            assert len(zone.ledger.charges) == 1

    asyncio.run(play())


def test_a_desk_killed_while_the_card_was_charged_learns_the_outcome(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call, amount=700, currency="GBP")
            await desk.key_card(client, call, session_id)
            zone, clock = desk.zone, desk.clock
            real = zone.complete

            async def unanswered(which: SessionId) -> CaptureView:
                await real(which)
                raise SecureZoneUnreachableError("the desk is gone")

            zone.complete = unanswered  # type: ignore[method-assign, assignment]
            zone.unreachable = False
            answer = await client.post(f"/v1/sessions/{session_id}/complete")
            assert answer.status_code == 503
        zone.complete = real  # type: ignore[method-assign]
        async with open_desk(tmp_path, zone=zone, clock=clock) as desk, desk.client() as client:
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["state"], session["charge"]["state"]) == ("succeeded", "succeeded")
            assert session["token"]["state"] == "active"
            assert len(zone.ledger.charges) == 1

    asyncio.run(play())


@pytest.mark.parametrize("forgets", [False, True])
def test_a_secure_zone_that_crashes_ends_the_session_and_the_recording_goes_on(
    tmp_path: Path, *, forgets: bool
) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            assert platform.said == [("pause", call.call_id)]
            desk.zone.crash()
            if forgets:
                desk.zone._captures.clear()

            async def ended() -> bool:
                return await state(client, session_id) == "failed"

            await desk.until(ended)
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert session["reason"] == "interrupted"
            assert {each["state"] for each in session["fields"]} <= {"idle", "failed"}
            assert session["can_complete"] is False
            await desk.services.sweeper.sweep()
            assert platform.said[-1] == ("resume", call.call_id)
            assert (await client.get(f"/v1/sessions/{session_id}")).json()["recording"] == "resumed"
            ended_call = (await client.get(f"/v1/calls/{call.call_id}")).json()
            assert (ended_call["state"], ended_call["end_reason"]) == ("ended", "interrupted")
            other = await desk.live_call()
            assert await desk.open_session(client, other)

    asyncio.run(play())


def test_a_session_that_was_forgotten_ends_as_its_charge_did(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call, amount=700, currency="GBP")
            await desk.key_card(client, call, session_id)
            zone = desk.zone
            zone.ledger.next_charge = (ChargeState.UNKNOWN, None)
            completed = (await client.post(f"/v1/sessions/{session_id}/complete")).json()
            assert completed["state"] == "unknown"
            zone._captures.clear()
            zone.ledger.settle(
                ChargeId(completed["charge"]["id"]), ChargeState.SUCCEEDED, None, desk.clock.utc()
            )
            zone.unreachable = True
            zone.unreachable = False

            async def settled() -> bool:
                return await state(client, session_id) == "succeeded"

            await desk.until(settled)
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["charge"]["state"], session["reason"]) == ("succeeded", None)
            assert session["token"]["state"] == "active"

    asyncio.run(play())


def test_a_long_silence_ends_sessions_until_the_secure_zone_says_otherwise(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            desk.zone.unreachable = True

            async def noticed() -> bool:
                return not desk.services.link.is_up

            await desk.until(noticed)
            await desk.services.sweeper.sweep()
            assert (await client.get(f"/v1/sessions/{session_id}")).json()["state"] == "open"
            desk.clock.advance(SILENCE_S + 1)
            await desk.services.sweeper.sweep()
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["state"], session["reason"]) == ("failed", "interrupted")
            assert platform.said[-1] == ("resume", call.call_id)

            # It was only the connection: the capture that nobody watches any more is closed there too.
            desk.zone.unreachable = False

            async def closed() -> bool:
                return await state(client, session_id) == "canceled"

            await desk.until(closed)
            assert (await desk.zone.capture(SessionId(session_id))).state.value == "canceled"
            assert await desk.open_session(client, call, reference="next")

    asyncio.run(play())


def test_silence_after_completing_is_unknown_and_then_what_it_was(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call, amount=700, currency="GBP")
            await desk.key_card(client, call, session_id)
            with desk.zone.hold_completions():
                completing = asyncio.create_task(client.post(f"/v1/sessions/{session_id}/complete"))

                async def begun() -> bool:
                    return await state(client, session_id) == "completing"

                await desk.until(begun)
                desk.zone.unreachable = True

                async def noticed() -> bool:
                    return not desk.services.link.is_up

                await desk.until(noticed)
                desk.clock.advance(SILENCE_S + 1)
                await desk.services.sweeper.sweep()
                session = (await client.get(f"/v1/sessions/{session_id}")).json()
                assert (session["state"], session["reason"]) == ("unknown", "authorisation_unknown")
            await completing
            desk.zone.unreachable = False

            async def known() -> bool:
                return await state(client, session_id) == "succeeded"

            await desk.until(known)
            assert len(desk.zone.ledger.charges) == 1

    asyncio.run(play())


def test_a_cancel_that_nobody_heard_is_carried_out_later(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            desk.zone.unreachable = True
            refused = await client.post(f"/v1/sessions/{session_id}/cancel")
            assert refused.status_code == 503
            desk.zone.unreachable = False

            async def canceled() -> bool:
                return await state(client, session_id) == "canceled"

            await desk.until(canceled)
            assert (await desk.zone.capture(SessionId(session_id))).state.value == "canceled"

    asyncio.run(play())


def test_a_session_whose_opening_was_never_confirmed_is_closed(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            real = desk.zone.open_capture

            async def unanswered(request: object) -> CaptureView:
                await real(request)  # type: ignore[arg-type]
                raise SecureZoneUnreachableError("lost")

            desk.zone.open_capture = unanswered  # type: ignore[method-assign]
            body, key = {"call_id": call.call_id}, {"Idempotency-Key": "k"}
            lost = await client.post("/v1/sessions", json=body, headers=key)
            assert (lost.status_code, lost.json()["code"]) == (503, "secure_zone_unreachable")
            desk.zone.open_capture = real  # type: ignore[method-assign]

            # Whoever asks again with the same key goes on with the same session.
            again = await client.post("/v1/sessions", json=body, headers=key)
            assert again.status_code == 201
            await client.post(f"/v1/sessions/{again.json()['id']}/cancel")

            async def lost_on_its_way(request: object) -> CaptureView:
                raise SecureZoneUnreachableError("lost")

            desk.zone.open_capture = lost_on_its_way  # type: ignore[method-assign]
            desk.clock.advance(1)
            lost = await client.post("/v1/sessions", json=body, headers={"Idempotency-Key": "other"})
            assert lost.status_code == 503
            desk.zone.open_capture = real  # type: ignore[method-assign]
            newest = (await client.get("/v1/sessions")).json()["data"][0]
            assert (newest["state"], newest["revision"]) == ("open", -1)
            await desk.caught_up()
            desk.clock.advance(OPENING.total_seconds() + 1)
            await desk.services.sweeper.sweep()
            ended = (await client.get(f"/v1/sessions/{newest['id']}")).json()
            assert (ended["state"], ended["reason"]) == ("failed", "interrupted")
            late = await client.post("/v1/sessions", json=body, headers={"Idempotency-Key": "other"})
            assert (late.status_code, late.json()["code"]) == (409, "session_over")

    asyncio.run(play())


def test_an_expired_session_is_over(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call, expires_in_s=60)
            desk.clock.advance(61)
            desk.zone.advance(0)
            await desk.caught_up()
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["state"], session["reason"]) == ("expired", "session_expired")
            await desk.services.sweeper.sweep()
            assert platform.said == [("pause", call.call_id), ("resume", call.call_id)]

    asyncio.run(play())
