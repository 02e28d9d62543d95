"""The fake secure zone, as a test of the desk drives it. What it shares with the real one is in tests/conformance/secure_zone."""

import asyncio
from datetime import timedelta

import pytest

from tonevault.boundary.captures import (
    CaptureRequest,
    CaptureState,
    EndReason,
    FieldError,
    FieldName,
    FieldState,
)
from tonevault.boundary.charges import Amount, ChargeState
from tonevault.boundary.notices import CallChanged, CaptureChanged, ChargeChanged
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.kernel.ids import AccountId, CallId, ChargeId, SessionId
from tonevault.plumbing.clock import WallClock
from tonevault.testing.secure_zone import FakeSecureZone


def request(call_id: CallId, mark: str = "a", *, amount: bool = True) -> CaptureRequest:
    return CaptureRequest(
        session_id=SessionId("ps_" + mark * 28),
        account_id=AccountId("acme"),
        call_id=call_id,
        amount=Amount(amount_minor=4999, currency="GBP") if amount else None,
        charge_id=ChargeId("ch_" + mark * 28) if amount else None,
        expires_at=WallClock().utc() + timedelta(minutes=30),
    )


async def key_card(
    zone: FakeSecureZone, call_id: CallId, session_id: SessionId, number: str = "4242424242424242"
) -> None:
    for field, keys in (
        (FieldName.CARD_NUMBER, number),
        (FieldName.EXPIRY, "1230"),
        (FieldName.SECURITY_CODE, "123"),
    ):
        await zone.start_field(session_id, field)
        zone.press(call_id, keys + "#")


def test_a_card_is_keyed_and_charged() -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        call = zone.live_call()
        opened = await zone.open_capture(request(call.call_id))
        await key_card(zone, call.call_id, opened.session_id)
        assert (await zone.capture(opened.session_id)).can_complete
        done = await zone.complete(opened.session_id)
        assert done.state is CaptureState.SUCCEEDED
        assert done.token is not None
        assert done.charge is not None
        assert done.charge.state is ChargeState.SUCCEEDED
        assert [field.masked for field in done.fields] == ["**** **** **** 4242", "**/**", "***"]

    asyncio.run(play())


def test_results_are_the_ones_asked_for() -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        call = zone.live_call()
        zone.ledger.next_charge = (ChargeState.UNKNOWN, None)
        first = await zone.open_capture(request(call.call_id, "a"))
        await key_card(zone, call.call_id, first.session_id)
        assert (await zone.complete(first.session_id)).state is CaptureState.UNKNOWN
        zone.settle(ChargeId("ch_" + "a" * 28), ChargeState.DECLINED, "insufficient_funds")
        assert (await zone.capture(first.session_id)).reason is EndReason.AUTHORISATION_DECLINED

        zone.tokenization_fails = True
        second = await zone.open_capture(request(call.call_id, "b"))
        await key_card(zone, call.call_id, second.session_id)
        assert (await zone.complete(second.session_id)).reason is EndReason.TOKENIZATION_FAILED

    asyncio.run(play())


def test_time_moves_by_advance_alone() -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        call = zone.live_call()
        opened = await zone.open_capture(request(call.call_id))
        await zone.start_field(opened.session_id, FieldName.EXPIRY)
        zone.advance(29.9)
        assert (await zone.capture(opened.session_id)).fields[1].state is FieldState.CAPTURING
        zone.advance(0.2)
        assert (await zone.capture(opened.session_id)).fields[1].error is FieldError.INPUT_TIMEOUT
        zone.advance(1800)
        assert (await zone.capture(opened.session_id)).state is CaptureState.EXPIRED

    asyncio.run(play())


def test_a_crash_breaks_streams_and_interrupts_captures() -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        call = zone.live_call()
        opened = await zone.open_capture(request(call.call_id))
        async with zone.notices() as notices:
            assert isinstance(await anext(notices), CallChanged)
            assert isinstance(await anext(notices), CaptureChanged)
            zone.crash()
            with pytest.raises(SecureZoneUnreachableError):
                await anext(notices)
        assert (await zone.capture(opened.session_id)).reason is EndReason.INTERRUPTED
        assert await zone.calls() == []

    asyncio.run(play())


def test_a_completion_can_be_held() -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        call = zone.live_call()
        opened = await zone.open_capture(request(call.call_id))
        await key_card(zone, call.call_id, opened.session_id)
        async with zone.notices() as notices:
            with zone.hold_completions():
                completing = asyncio.create_task(zone.complete(opened.session_id))
                await asyncio.sleep(0)
                assert (await zone.capture(opened.session_id)).state is CaptureState.COMPLETING
            assert (await completing).state is CaptureState.SUCCEEDED
            kinds = [type(await anext(notices)) for _ in range(5)]
        assert kinds == [CallChanged, CaptureChanged, CaptureChanged, ChargeChanged, CaptureChanged]

    asyncio.run(play())


def test_unreachable() -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        zone.unreachable = True
        with pytest.raises(SecureZoneUnreachableError):
            await zone.calls()

    asyncio.run(play())
