"""The telephones of a soak: an agent who answers, one whose phone only rings, and customers who each have a number of their own."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Self

from tests.e2e.house_plan import RouteTo
from tests.soak.desk_line import DeskLine, Json, SoakError
from tonevault.kernel.luhn import passes_luhn
from tonevault.testing.softphone import PhoneCall, PhoneError, Softphone
from tonevault.testing.softphone.sound import voice

CUSTOMER_HEADER: Final = "X-Customer"
ANSWERED, UNANSWERED = "442079460001", "442079460002"
"""What is dialled to reach the agent, and the phone that only rings."""
PICK_UP_S: Final = 30.0
SPOKEN: Final = 6400
"""Samples: 0.8 s of voice on either side, before anything is keyed."""


class CallCentre:
    """Started on the loop of the soak, before the house: its routes lead here."""

    def __init__(self) -> None:
        self._agent = Softphone("agent", on_call=self._answered)
        self._ringing = Softphone("nobody", answers=False)
        self._arrived: dict[str, asyncio.Future[PhoneCall]] = {}

    async def __aenter__(self) -> Self:
        await self._agent.start()
        await self._ringing.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._agent.stop()
        await self._ringing.stop()

    @property
    def routes(self) -> list[RouteTo]:
        """Where each number leads to."""
        ends = (("agent", ANSWERED, self._agent), ("nobody", UNANSWERED, self._ringing))
        return [
            RouteTo(phone.uri, name, number, customer_header=CUSTOMER_HEADER) for name, number, phone in ends
        ]

    def expect(self, reference: str) -> "asyncio.Future[PhoneCall]":
        """The agent's end of the call that brings this reference, once it is there."""
        future: asyncio.Future[PhoneCall] = asyncio.get_running_loop().create_future()
        self._arrived[reference] = future
        return future

    def forget_ended(self) -> None:
        """Hold on to no call that is over, nor to its recording: the phones of a soak must not grow either."""
        for phone in (self._agent, self._ringing):
            phone.forget_ended()

    def _answered(self, call: PhoneCall) -> None:
        call.say(voice("agent")[:SPOKEN])
        reference = dict(call.headers).get(CUSTOMER_HEADER, "")
        future = self._arrived.pop(reference, None)
        if future is not None and not future.done():
            future.set_result(call)


@dataclass
class OpenCall:
    """One call that is up: both phones' ends and the desk's view of it."""

    customer: PhoneCall
    agent: PhoneCall
    desk: Json


@dataclass
class Customer:
    """One customer after another on one line; `number` is shown as the caller. `calls` counts."""

    centre: CallCentre
    edge: str
    number: str
    chance: random.Random
    calls: int = 0
    gave_up: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    """For how many fields, by what the phone tells its keys with, and how many of those were asked for once more."""
    asked_again: Counter[str] = field(default_factory=Counter)
    _shown: str = ""
    """The desk's id of the call before."""
    phone: Softphone = field(default_factory=lambda: Softphone("customer"))

    async def __aenter__(self) -> Self:
        await self.phone.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.phone.stop()

    @property
    def card(self) -> bytes:
        """A card of this customer's own, which the simulator approves: nobody else charges it, or revokes its token."""
        number = b"40001234560" + self.number[-4:].encode()
        return next(whole for digit in b"0123456789" if passes_luhn(whole := number + bytes([digit])))

    async def dial(self, desk: DeskLine) -> OpenCall:
        """Call, and wait until the agent has taken it and the desk knows."""
        self.calls += 1
        reference = f"line {self.number[-2:]} call {self.calls}"
        arriving = self.centre.expect(reference)
        try:
            call = await self.phone.dial(
                self._to(ANSWERED), [(CUSTOMER_HEADER, reference)], caller=self.number
            )
        except PhoneError as fault:
            raise SoakError(f"a call was answered {fault.status}") from None
        call.say(voice("customer")[:SPOKEN])
        agent = await asyncio.wait_for(arriving, PICK_UP_S)
        shown = await desk.live_call(self.number, self._shown)
        self._shown = shown["id"]
        return OpenCall(call, agent, shown)

    async def ring_in_vain(self) -> None:
        """Call somebody who does not answer, and give up."""
        self.calls += 1
        call = await self.phone.begin(self._to(UNANSWERED), caller=self.number)
        await asyncio.sleep(self.chance.uniform(0.05, 0.5))
        await call.hang_up()

    async def give_up(self) -> None:
        """Hang up whatever is up."""
        self.gave_up += 1
        for call in self.phone.calls:
            await call.hang_up()

    def _to(self, number: str) -> str:
        return f"sip:{number}@{self.edge}"
