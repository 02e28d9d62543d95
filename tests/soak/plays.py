"""What customers and agents do in a soak: each play is one call, from dialling to its end."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.soak.call_centre import Customer, OpenCall
from tests.soak.desk_line import DeskLine, GaveUpError, Json
from tonevault.testing.softphone import KeyCarrier, PhoneCall

APPROVED: Final = (b"5555555555554444", b"4242424242424242", b"378282246310005", b"6205500000000000004")
DECLINED: Final = (b"4000000000009995", b"4000000000000002")
MISTYPED: Final = b"5555555555554445"
EXPIRY: Final = b"1239"
REACTION_S: Final = 0.15
"""A key counts that was pressed after its window had opened: the time of a quick person."""
TRIES: Final = 4
"""A phone whose computer stands still for a tenth of a second parts a tone in two: on a busy machine, a customer is asked again."""
MAX_ATTEMPTS: Final = 10
OVER: Final = ("succeeded", "declined", "failed")
Play = Callable[[Customer, DeskLine], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Capture:
    """One session on one call, whose customer's phone sends every key in the same way."""

    customer: Customer
    desk: DeskLine
    phone: PhoneCall
    session: str
    carrier: KeyCarrier

    async def keys(self, name: str, value: bytes, wanted: str = "captured") -> None:
        """Capture a field, which comes to be as wanted; if it is red instead, the agent asks again."""
        for _ in range(TRIES):
            await self.opens(name)
            # A number of nineteen digits confirms itself, and a `#` after it is ignored.
            await self.phone.press(value + b"#", self.carrier)
            self.customer.asked[self.carrier] += 1
            field = await self.desk.field(self.session, name, "captured", "failed")
            if field["state"] == wanted:
                return
            self.customer.asked_again[self.carrier] += 1
        raise GaveUpError

    async def opens(self, name: str) -> None:
        await self.desk.post(f"/v1/sessions/{self.session}/fields/{name}/capture")
        await asyncio.sleep(REACTION_S)

    async def keys_all(self, number: bytes) -> Json:
        """Capture every field, and complete; the session as it ended."""
        await self.keys("card_number", number)
        await self.keys("expiry", EXPIRY)
        await self.keys("security_code", b"1234" if number.startswith(b"37") else b"123")
        await self.desk.post(f"/v1/sessions/{self.session}/complete")
        return await self.desk.session(self.session, *OVER)

    async def begins(self, chance: random.Random) -> None:
        """Key a part of the number."""
        await self.opens("card_number")
        await self.phone.press(APPROVED[0][: chance.randint(1, 15)], self.carrier)


async def _opens(
    customer: Customer, desk: DeskLine, call: OpenCall, amount: int | None, carrier: KeyCarrier | None = None
) -> Capture:
    body: Json = {"call_id": call.desk["id"], "max_attempts": MAX_ATTEMPTS}
    if amount is not None:
        body |= {"amount": amount, "currency": "GBP"}
    session = await desk.post("/v1/sessions", body)
    return Capture(
        customer, desk, call.customer, session["id"], carrier or customer.chance.choice(tuple(KeyCarrier))
    )


async def pays(customer: Customer, desk: DeskLine) -> None:
    """A payment, approved or declined, by whatever the phone tells its keys with; then perhaps a refund."""
    call = await customer.dial(desk)
    capture = await _opens(customer, desk, call, customer.chance.randint(100, 90_000))
    session = await capture.keys_all(customer.chance.choice((*APPROVED, *APPROVED, *DECLINED)))
    await call.customer.hang_up()
    if session["state"] == "succeeded" and customer.chance.random() < 0.4:
        refund = {"amount": 1 + session["charge"]["amount"] // 3} if customer.chance.random() < 0.5 else {}
        await desk.post(f"/v1/charges/{session['charge']['id']}/refund", refund)


async def saves_a_card(customer: Customer, desk: DeskLine) -> None:
    """A card for later: charged over the API when the call is over, held, taken or let go, then revoked at times."""
    call = await customer.dial(desk)
    capture = await _opens(customer, desk, call, None)
    session = await capture.keys_all(customer.card)
    await call.agent.hang_up()
    token = session["token"]["id"]
    body: Json = {"token": token, "amount": customer.chance.randint(100, 90_000), "currency": "GBP"}
    if customer.chance.random() < 0.5:
        charge = await desk.post("/v1/charges", body | {"capture": "manual"})
        await desk.post(f"/v1/charges/{charge['id']}/{customer.chance.choice(('capture', 'void'))}")
    else:
        await desk.post("/v1/charges", body)
    if customer.chance.random() < 0.5:
        await desk.post(f"/v1/tokens/{token}/revoke")


async def mistypes(customer: Customer, desk: DeskLine) -> None:
    """A wrong number first; the agent asks again."""
    call = await customer.dial(desk)
    capture = await _opens(customer, desk, call, 1250)
    await capture.keys("card_number", MISTYPED, "failed")
    await capture.keys("card_number", APPROVED[0])
    await desk.post(f"/v1/sessions/{capture.session}/cancel")
    await call.customer.hang_up()


async def is_put_on_hold(customer: Customer, desk: DeskLine) -> None:
    """Re-INVITEs of both sides in the middle of a capture, which goes on."""
    call = await customer.dial(desk)
    capture = await _opens(customer, desk, call, 2500, KeyCarrier.EVENT)
    await capture.opens("card_number")
    for party in (call.customer, call.agent):
        await call.customer.press(b"5555", KeyCarrier.EVENT)
        await party.hold(on=True)
        await asyncio.sleep(REACTION_S)
        await party.hold(on=False)
        await call.customer.press(b"*", KeyCarrier.EVENT)
    await capture.keys_all(APPROVED[0])
    await call.customer.hang_up()


async def cancels(customer: Customer, desk: DeskLine) -> None:
    """The agent gives up in the middle of the number."""
    call = await customer.dial(desk)
    capture = await _opens(customer, desk, call, 1250)
    await capture.begins(customer.chance)
    await desk.post(f"/v1/sessions/{capture.session}/cancel")
    await desk.session(capture.session, "canceled")
    await call.agent.hang_up()


async def hangs_up(customer: Customer, desk: DeskLine) -> None:
    """Either side hangs up in the middle of the number."""
    call = await customer.dial(desk)
    capture = await _opens(customer, desk, call, 1250)
    await capture.begins(customer.chance)
    await customer.chance.choice((call.customer, call.agent)).hang_up()
    await desk.session(capture.session, "canceled")


async def rings_in_vain(customer: Customer, _: DeskLine) -> None:
    """Nobody answers, and the customer gives up."""
    await customer.ring_in_vain()


PLAYS: Final[tuple[Play, ...]] = (
    pays,
    saves_a_card,
    hangs_up,
    pays,
    is_put_on_hold,
    cancels,
    rings_in_vain,
    mistypes,
)
"""In the order in which each customer goes through them, each from a place of their own."""
