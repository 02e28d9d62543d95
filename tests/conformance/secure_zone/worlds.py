"""Four ways to a secure zone, each with what a test does to the world around it: the fake and the real one, direct and over HTTP."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol, cast

from tests.capture_stage import CaptureStage

from tonevault.boundary.calls import SecuredLegs
from tonevault.boundary.charges import ChargeState
from tonevault.boundary.secure_zone import SecureZone
from tonevault.cde.interface.app import BoundaryApp
from tonevault.cde.interface.server import BoundaryServer
from tonevault.cde.media import Leg
from tonevault.desk.secure_zone import HttpSecureZone
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CallId, ChargeId
from tonevault.testing.secure_zone import FakeSecureZone

TOKEN = "conformance-" * 4
CARDS = {
    ChargeState.SUCCEEDED: "4242424242424242",
    ChargeState.DECLINED: "4000000000009995",
    ChargeState.UNKNOWN: "4000000000009003",
}
CODES = {ChargeState.DECLINED: "insufficient_funds"}


class World(Protocol):
    """What happens outside the port."""

    zone: SecureZone
    clock: Clock

    def ring(self) -> CallId:
        """A customer calls."""

    def answer(self, call_id: CallId) -> None:
        """The agent takes the call."""

    def secure_customer(self, call_id: CallId) -> None:
        """SRTP is negotiated on the customer's leg."""

    def hang_up(self, call_id: CallId) -> None:
        """The call ends."""

    def press(self, call_id: CallId, keys: str) -> None:
        """The customer keys."""

    def advance(self, seconds: float) -> None:
        """Time passes."""

    def card_that(self, comes_to: ChargeState) -> str:
        """A test card whose charge comes to this."""

    def card_with_a_wrong_postal_code(self) -> str:
        """A test card whose charge is declined for its postal code."""

    def address_is_right(self) -> None:
        """From now on it is not."""

    async def settle(self, charge_id: ChargeId) -> None:
        """An unknown charge turns out to have succeeded."""

    async def die(self) -> None:
        """The process dies and comes back."""


class FakeWorld:
    """FakeSecureZone, driven by its own methods."""

    def __init__(self) -> None:
        self.fake = FakeSecureZone()
        self.zone: SecureZone = self.fake
        self.clock = self.fake.clock

    def ring(self) -> CallId:
        return self.fake.ring().call_id

    def answer(self, call_id: CallId) -> None:
        self.fake.answer(call_id)

    def secure_customer(self, call_id: CallId) -> None:
        self.fake.secure(call_id, SecuredLegs(customer=True))

    def hang_up(self, call_id: CallId) -> None:
        self.fake.hang_up(call_id)

    def press(self, call_id: CallId, keys: str) -> None:
        self.fake.press(call_id, keys)

    def advance(self, seconds: float) -> None:
        self.fake.advance(seconds)

    def card_that(self, comes_to: ChargeState) -> str:
        self.fake.ledger.next_charge = (comes_to, CODES.get(comes_to))
        return CARDS[comes_to]

    def card_with_a_wrong_postal_code(self) -> str:
        self.fake.ledger.next_charge = (ChargeState.DECLINED, "postal_code_mismatch")
        return "4000000000000036"

    def address_is_right(self) -> None:
        self.fake.ledger.next_charge = (ChargeState.SUCCEEDED, None)

    async def settle(self, charge_id: ChargeId) -> None:
        self.fake.settle(charge_id, ChargeState.SUCCEEDED)

    async def die(self) -> None:
        self.fake.crash()


class RealWorld:
    """The real capture, cashier and vault."""

    def __init__(self, folder: Path) -> None:
        self.stage = CaptureStage(folder)
        self.zone = cast("SecureZone", _CurrentZone(self.stage))
        self.clock: Clock = self.stage.clock

    def ring(self) -> CallId:
        return self.stage.ring()

    def answer(self, call_id: CallId) -> None:
        self.stage.answer(call_id)

    def secure_customer(self, call_id: CallId) -> None:
        self.stage.secure(call_id, Leg.CUSTOMER)

    def hang_up(self, call_id: CallId) -> None:
        self.stage.hang_up(call_id)

    def press(self, call_id: CallId, keys: str) -> None:
        self.stage.key(call_id, keys)

    def advance(self, seconds: float) -> None:
        self.stage.advance(seconds)

    def card_that(self, comes_to: ChargeState) -> str:
        return CARDS[comes_to]

    def card_with_a_wrong_postal_code(self) -> str:
        return "4000000000000036"

    def address_is_right(self) -> None:
        """The one that is given is the issuer's own."""

    async def settle(self, charge_id: ChargeId) -> None:
        await self.stage.till.settle()
        await self.stage.service._archive.close()

    async def die(self) -> None:
        await self.stage.crash()


class _CurrentZone:
    """The stage's zone as it is at each moment: a crash replaces it."""

    def __init__(self, stage: CaptureStage) -> None:
        self._stage = stage

    def __getattr__(self, name: str) -> object:
        return getattr(self._stage.zone, name)


@asynccontextmanager
async def fake(folder: Path) -> AsyncIterator[World]:
    """The fake, direct."""
    yield FakeWorld()


@asynccontextmanager
async def real(folder: Path) -> AsyncIterator[World]:
    """The real one, direct."""
    world = RealWorld(folder)
    try:
        yield world
    finally:
        await world.stage.close()


def over_http(
    way: Callable[[Path], AbstractAsyncContextManager[World]],
) -> Callable[[Path], AbstractAsyncContextManager[World]]:
    """The same zone, served on a socket and asked by the desk's client."""

    @asynccontextmanager
    async def served(folder: Path) -> AsyncIterator[World]:
        # A socket's path may have 107 characters, which a test's own folder can exceed.
        short = Path(tempfile.mkdtemp(prefix="tv-"))
        async with way(folder) as world:
            server = BoundaryServer(BoundaryApp(world.zone, TOKEN), short / "boundary.sock")
            await server.start()
            client = HttpSecureZone.on_unix_socket(short / "boundary.sock", TOKEN)
            world.zone = client
            try:
                yield world
            finally:
                await client.close()
                await server.stop()
                shutil.rmtree(short)

    return served


WAYS = {
    "fake": fake,
    "real": real,
    "fake over http": over_http(fake),
    "real over http": over_http(real),
}
