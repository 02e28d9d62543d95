"""What a desk does over and over: opens sessions, has cards keyed, hears notices and refusals."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from tests.conformance.secure_zone.worlds import World

from tonevault.boundary.captures import (
    CaptureRequest,
    CaptureView,
    FieldName,
)
from tonevault.boundary.charges import Amount
from tonevault.boundary.notices import Notice, Ping
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.tokens import TokenView
from tonevault.kernel.ids import CHARGE, SESSION, AccountId, CallId, ChargeId, SessionId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

Story = Callable[[World], Awaitable[None]]
Play = Callable[[Story], None]
ACCOUNT = AccountId("acme")
NUMBER, EXPIRY, CODE = FieldName.CARD_NUMBER, FieldName.EXPIRY, FieldName.SECURITY_CODE


def live_call(world: World) -> CallId:
    call_id = world.ring()
    world.answer(call_id)
    return call_id


def request(world: World, call_id: CallId, *, charge: bool = True, **changes: object) -> CaptureRequest:
    wanted: dict[str, object] = {
        "session_id": SessionId(make_id(SESSION, 0, SYSTEM_ENTROPY)),
        "account_id": ACCOUNT,
        "call_id": call_id,
        "expires_at": world.clock.utc() + timedelta(minutes=30),
    }
    if charge:
        wanted["amount"] = Amount(amount_minor=1250, currency="GBP")
        wanted["charge_id"] = ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY))
    return CaptureRequest.model_validate(wanted | changes)


async def capture_all(world: World, view: CaptureView, number: str = "4242424242424242") -> CaptureView:
    for name, keys in ((NUMBER, number), (EXPIRY, "1230"), (CODE, "123")):
        await world.zone.start_field(view.session_id, name)
        world.press(view.call_id, keys + "#")
    return await world.zone.capture(view.session_id)


async def token_of_a_card(world: World) -> TokenView:
    view = await world.zone.open_capture(request(world, live_call(world), charge=False))
    await capture_all(world, view)
    done = await world.zone.complete(view.session_id)
    assert done.token is not None
    return done.token


async def refusal(asking: Awaitable[object]) -> tuple[int, str]:
    with pytest.raises(SecureZoneError) as caught:
        await asking
    assert caught.value.detail
    return caught.value.status, caught.value.code


async def next_notice(notices: AsyncIterator[Notice]) -> Notice:
    """The next notice that says something."""
    async with asyncio.timeout(10):
        while isinstance(notice := await anext(notices), Ping):
            pass
    return notice
