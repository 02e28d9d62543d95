"""Calls and captures by the SecureZone port, on the fake and the real zone, direct and over HTTP: a desk cannot tell them apart."""

import pytest
from tests.conformance.secure_zone.desk import (
    ACCOUNT,
    CODE,
    EXPIRY,
    NUMBER,
    Play,
    capture_all,
    live_call,
    refusal,
    request,
    token_of_a_card,
)
from tests.conformance.secure_zone.worlds import World

from tonevault.boundary.calls import CallState, SecuredLegs
from tonevault.boundary.captures import (
    CaptureState,
    EndReason,
    FieldError,
    FieldName,
    FieldState,
)
from tonevault.boundary.charges import ChargeState
from tonevault.boundary.tokens import TokenState
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import CallId, ChargeId, SessionId, TokenId


def test_calls_come_and_go(play: Play) -> None:
    async def story(world: World) -> None:
        assert await world.zone.calls() == []
        call_id = world.ring()
        (ringing,) = await world.zone.calls()
        assert (ringing.call_id, ringing.account_id, ringing.state) == (call_id, ACCOUNT, CallState.RINGING)
        assert ringing.caller == "+441632960001"
        world.answer(call_id)
        (answered,) = await world.zone.calls()
        assert answered.state is CallState.ANSWERED
        assert answered.answered_at is not None
        assert answered.secured == SecuredLegs()
        world.secure_customer(call_id)
        (secured,) = await world.zone.calls()
        assert secured.secured == SecuredLegs(customer=True, agent=False)
        world.hang_up(call_id)
        assert await world.zone.calls() == []

    play(story)


def test_a_card_is_captured_vaulted_and_charged(play: Play) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world))
        opened = await world.zone.open_capture(wanted)
        assert (opened.state, opened.can_complete, opened.revision) == (CaptureState.OPEN, False, 1)
        assert [field.state for field in opened.fields] == [FieldState.IDLE] * 3
        captured = await capture_all(world, opened)
        assert captured.can_complete
        assert captured.brand is Brand.VISA
        assert [field.masked for field in captured.fields] == ["**** **** **** 4242", "**/**", "***"]
        done = await world.zone.complete(wanted.session_id)
        assert (done.state, done.reason, done.can_complete) == (CaptureState.SUCCEEDED, None, False)
        assert [field.masked for field in done.fields] == ["**** **** **** 4242", "**/**", "***"]
        assert done.token is not None
        assert (done.token.state, done.token.card.last4) == (TokenState.ACTIVE, "4242")
        assert done.charge is not None
        assert (done.charge.state, done.charge.amount) == (ChargeState.SUCCEEDED, wanted.amount)
        assert wanted.charge_id is not None
        assert await world.zone.charge_result(ACCOUNT, wanted.charge_id) == done.charge

    play(story)


def test_commands_may_be_repeated(play: Play) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world))
        opened = await world.zone.open_capture(wanted)
        assert await world.zone.open_capture(wanted) == opened
        started = await world.zone.start_field(wanted.session_id, NUMBER)
        world.press(wanted.call_id, "42")
        again = await world.zone.start_field(wanted.session_id, NUMBER)
        assert again.fields[0].dots == 2
        assert again.revision > started.revision
        world.press(wanted.call_id, "*")
        await capture_all(world, again)
        done = await world.zone.complete(wanted.session_id)
        for asking in (world.zone.complete, world.zone.cancel, world.zone.capture):
            assert await asking(wanted.session_id) == done
        assert await world.zone.open_capture(wanted) == done

    play(story)


def test_the_same_card_again_has_the_same_token(play: Play) -> None:
    async def story(world: World) -> None:
        first, second = await token_of_a_card(world), None
        view = await world.zone.open_capture(request(world, live_call(world), charge=False))
        await capture_all(world, view)
        second = await world.zone.complete(view.session_id)
        assert second.token is not None
        assert (second.token.token_id, second.existing) == (first.token_id, True)

    play(story)


def test_declined(play: Play) -> None:
    async def story(world: World) -> None:
        view = await world.zone.open_capture(request(world, live_call(world)))
        await capture_all(world, view, world.card_that(ChargeState.DECLINED))
        done = await world.zone.complete(view.session_id)
        assert (done.state, done.reason) == (CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED)
        assert done.token is not None
        assert done.charge is not None
        assert (done.charge.state, done.charge.code) == (ChargeState.DECLINED, "insufficient_funds")

    play(story)


def test_unknown_until_it_is_settled(play: Play) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world))
        view = await world.zone.open_capture(wanted)
        await capture_all(world, view, world.card_that(ChargeState.UNKNOWN))
        done = await world.zone.complete(view.session_id)
        assert (done.state, done.reason) == (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN)
        assert wanted.charge_id is not None
        assert (await world.zone.charge_result(ACCOUNT, wanted.charge_id)).state is ChargeState.UNKNOWN
        await world.settle(wanted.charge_id)
        assert (await world.zone.charge_result(ACCOUNT, wanted.charge_id)).state is ChargeState.SUCCEEDED
        settled = await world.zone.capture(view.session_id)
        assert (settled.state, settled.reason) == (CaptureState.SUCCEEDED, None)
        assert settled.revision > done.revision

    play(story)


@pytest.mark.parametrize(
    ("name", "keys", "error"),
    [
        (NUMBER, "4242424242424241", FieldError.INVALID_CARD_NUMBER),
        (NUMBER, "42", FieldError.INVALID_CARD_NUMBER),
        (NUMBER, "378282246310005", FieldError.CARD_TYPE_NOT_ACCEPTED),
        (EXPIRY, "1320", FieldError.INVALID_EXPIRY),
        (EXPIRY, "0120", FieldError.INVALID_EXPIRY),
        (CODE, "12", FieldError.INVALID_SECURITY_CODE),
        (FieldName.POSTAL_CODE, "1", FieldError.INVALID_POSTAL_CODE),
    ],
)
def test_field_errors(play: Play, name: FieldName, keys: str, error: FieldError) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world), fields=tuple(FieldName), accepted_brands=("visa",))
        await world.zone.open_capture(wanted)
        await world.zone.start_field(wanted.session_id, name)
        world.press(wanted.call_id, keys + "#")
        red = next(
            field for field in (await world.zone.capture(wanted.session_id)).fields if field.name is name
        )
        assert (red.state, red.error, red.dots, red.masked, red.attempts) == (
            FieldState.FAILED,
            error,
            0,
            "",
            1,
        )

    play(story)


def test_the_security_code_is_checked_when_the_number_is_known(play: Play) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world))
        await world.zone.open_capture(wanted)
        for name, keys in ((CODE, "1234"), (NUMBER, "4242424242424242")):
            await world.zone.start_field(wanted.session_id, name)
            world.press(wanted.call_id, keys + "#")
        fields = {field.name: field for field in (await world.zone.capture(wanted.session_id)).fields}
        assert fields[NUMBER].state is FieldState.CAPTURED
        assert (fields[CODE].state, fields[CODE].error) == (
            FieldState.FAILED,
            FieldError.INVALID_SECURITY_CODE,
        )

    play(story)


def test_star_clears_and_another_field_closes_the_first(play: Play) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world))
        await world.zone.open_capture(wanted)
        await world.zone.start_field(wanted.session_id, NUMBER)
        world.press(wanted.call_id, "42*4")
        assert (await world.zone.capture(wanted.session_id)).fields[0].dots == 1
        moved = await world.zone.start_field(wanted.session_id, EXPIRY)
        assert [field.state for field in moved.fields[:2]] == [FieldState.IDLE, FieldState.CAPTURING]
        assert moved.fields[0].dots == 0

    play(story)


def test_time_outs_attempts_and_expiry(play: Play) -> None:
    async def story(world: World) -> None:
        wanted = request(world, live_call(world), max_attempts=2)
        await world.zone.open_capture(wanted)
        await world.zone.start_field(wanted.session_id, NUMBER)
        world.advance(30.5)
        red = (await world.zone.capture(wanted.session_id)).fields[0]
        assert (red.state, red.error) == (FieldState.FAILED, FieldError.INPUT_TIMEOUT)
        await world.zone.start_field(wanted.session_id, NUMBER)
        world.press(wanted.call_id, "4")
        world.advance(10.5)
        over = await world.zone.capture(wanted.session_id)
        assert (over.state, over.reason) == (CaptureState.FAILED, EndReason.TOO_MANY_ATTEMPTS)

        second = request(world, wanted.call_id)
        await world.zone.open_capture(second)
        world.advance(1801)
        late = await world.zone.capture(second.session_id)
        assert (late.state, late.reason) == (CaptureState.EXPIRED, EndReason.SESSION_EXPIRED)

    play(story)


def test_cancel_and_hang_up(play: Play) -> None:
    async def story(world: World) -> None:
        call_id = live_call(world)
        view = await world.zone.open_capture(request(world, call_id))
        await capture_all(world, view)
        canceled = await world.zone.cancel(view.session_id)
        assert (canceled.state, canceled.reason) == (CaptureState.CANCELED, EndReason.CANCELED_BY_AGENT)
        assert {field.masked for field in canceled.fields} == {""}
        view = await world.zone.open_capture(request(world, call_id))
        world.hang_up(call_id)
        ended = await world.zone.capture(view.session_id)
        assert (ended.state, ended.reason) == (CaptureState.CANCELED, EndReason.CALL_ENDED)

    play(story)


def test_refusals(play: Play) -> None:
    async def story(world: World) -> None:
        zone, ringing, call_id = world.zone, world.ring(), live_call(world)
        wanted = request(world, call_id)
        await zone.open_capture(wanted)
        session = wanted.session_id
        nobody = SessionId("ps_" + "z" * 28)
        for asking, answer in (
            (zone.open_capture(request(world, ringing)), (409, "call_not_live")),
            (zone.open_capture(request(world, call_id)), (409, "session_in_progress")),
            (zone.open_capture(wanted.model_copy(update={"max_attempts": 5})), (409, "session_id_reused")),
            (zone.open_capture(request(world, call_id, fields=("expiry",))), (422, "fields_insufficient")),
            (zone.open_capture(request(world, call_id, charge_id=None)), (422, "charge_id_missing")),
            (
                zone.open_capture(request(world, call_id, expires_at=world.clock.utc())),
                (422, "expires_at_past"),
            ),
            (zone.start_field(session, FieldName.POSTAL_CODE), (422, "field_unknown")),
            (zone.complete(session), (409, "fields_missing")),
            (zone.capture(nobody), (404, "not_found")),
            (zone.start_field(nobody, NUMBER), (404, "not_found")),
            (zone.complete(nobody), (404, "not_found")),
            (zone.cancel(nobody), (404, "not_found")),
            (zone.set_hush(CallId("call_" + "z" * 28), on=True), (404, "not_found")),
            (zone.charge_result(ACCOUNT, ChargeId("ch_" + "z" * 28)), (404, "not_found")),
            (zone.token(ACCOUNT, TokenId("tok_" + "z" * 28)), (404, "not_found")),
            (zone.revoke_token(ACCOUNT, TokenId("tok_" + "z" * 28)), (404, "not_found")),
        ):
            assert await refusal(asking) == answer
        await zone.cancel(session)
        assert await refusal(zone.start_field(session, NUMBER)) == (409, "session_over")
        assert await refusal(zone.complete(session)) == (409, "session_over")

    play(story)
