"""Charges, tokens and the notice stream by the SecureZone port, in every world."""

import pytest
from tests.conformance.secure_zone.desk import (
    ACCOUNT,
    NUMBER,
    Play,
    capture_all,
    live_call,
    next_notice,
    refusal,
    request,
    token_of_a_card,
)
from tests.conformance.secure_zone.worlds import World

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import (
    EndReason,
)
from tonevault.boundary.charges import Amount, ChargeRequest, ChargeState
from tonevault.boundary.notices import CallChanged, CaptureChanged, ChargeChanged
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.kernel.ids import CHARGE, ChargeId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY


def test_hush(play: Play) -> None:
    async def story(world: World) -> None:
        call_id = live_call(world)
        assert (await world.zone.set_hush(call_id, on=True)).hushed
        assert (await world.zone.calls())[0].hushed
        view = await world.zone.open_capture(request(world, call_id))
        assert view.hushed
        assert not (await world.zone.set_hush(call_id, on=False)).hushed
        assert not (await world.zone.capture(view.session_id)).hushed

    play(story)


def test_charges_on_tokens(play: Play) -> None:
    async def story(world: World) -> None:
        token = await token_of_a_card(world)
        wanted = ChargeRequest(
            charge_id=ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY)),
            account_id=ACCOUNT,
            token_id=token.token_id,
            amount=Amount(amount_minor=700, currency="GBP"),
        )
        result = await world.zone.charge(wanted)
        assert (result.state, result.token_id) == (ChargeState.SUCCEEDED, token.token_id)
        assert await world.zone.charge(wanted) == result
        changed = wanted.model_copy(update={"amount": Amount(amount_minor=701, currency="GBP")})
        assert await refusal(world.zone.charge(changed)) == (422, "idempotency_mismatch")
        assert (await world.zone.token(ACCOUNT, token.token_id)).state is TokenState.ACTIVE
        revoked = await world.zone.revoke_token(ACCOUNT, token.token_id)
        assert revoked.state is TokenState.REVOKED
        assert await world.zone.revoke_token(ACCOUNT, token.token_id) == revoked
        late = await world.zone.charge(
            wanted.model_copy(update={"charge_id": ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY))})
        )
        assert (late.state, late.code) == (ChargeState.FAILED, "token_not_chargeable")

    play(story)


def test_a_single_use_token_is_consumed(play: Play) -> None:
    async def story(world: World) -> None:
        view = await world.zone.open_capture(request(world, live_call(world), token_usage=TokenUsage.SINGLE))
        await capture_all(world, view)
        done = await world.zone.complete(view.session_id)
        assert done.token is not None
        assert done.token.state is TokenState.CONSUMED

    play(story)


def test_notices_begin_with_the_present_and_go_on(play: Play) -> None:
    async def story(world: World) -> None:
        call_id = live_call(world)
        view = await world.zone.open_capture(request(world, call_id))
        async with world.zone.notices() as notices:
            assert await next_notice(notices) == CallChanged(call=(await world.zone.calls())[0])
            assert await next_notice(notices) == CaptureChanged(capture=view)
            started = await world.zone.start_field(view.session_id, NUMBER)
            assert await next_notice(notices) == CaptureChanged(capture=started)
            world.press(call_id, "42")
            dots = [await next_notice(notices) for _ in range(2)]
            assert [each.capture.fields[0].dots for each in dots if isinstance(each, CaptureChanged)] == [
                1,
                2,
            ]
            world.press(call_id, "42424242424242#")
            told = [await next_notice(notices) for _ in range(14)]
            await capture_all(world, view)
            await world.zone.complete(view.session_id)
            while not (isinstance(told[-1], CaptureChanged) and told[-1].capture.charge):
                told.append(await next_notice(notices))
            revisions = [each.capture.revision for each in told if isinstance(each, CaptureChanged)]
            assert revisions == sorted(set(revisions))
            assert told[-1] == CaptureChanged(capture=await world.zone.capture(view.session_id))
            assert any(
                isinstance(each, ChargeChanged) and each.charge.state is ChargeState.SUCCEEDED
                for each in told
            )
            world.hang_up(call_id)
            last = await next_notice(notices)
            assert isinstance(last, CallChanged)
            assert last.call.state is CallState.ENDED

    play(story)


def test_a_process_that_dies_breaks_streams_and_interrupts_captures(play: Play) -> None:
    async def story(world: World) -> None:
        view = await world.zone.open_capture(request(world, live_call(world)))
        async with world.zone.notices() as notices:
            for _ in range(2):
                await next_notice(notices)
            await world.die()
            with pytest.raises(SecureZoneUnreachableError):
                await next_notice(notices)
        assert await world.zone.calls() == []
        async with world.zone.notices() as notices:
            told = await next_notice(notices)
        assert isinstance(told, CaptureChanged)
        assert (told.capture.session_id, told.capture.reason) == (view.session_id, EndReason.INTERRUPTED)

    play(story)
