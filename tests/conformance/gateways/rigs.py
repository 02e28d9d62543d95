"""How the suite drives each adapter: which card brings about which outcome there, and how to see the money that moved."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import Authorisation, CardInHand, Gateway
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY


@dataclass
class Rig:
    """One adapter, ready to be asked. `moved` counts movements of money for a reference; `reopen` starts the adapter anew."""

    gateway: Gateway
    clock: SimulatedClock
    reopen: Callable[[], Awaitable[Gateway]]
    moved: Callable[[str], Awaitable[int]]
    approves: bytes
    declines: bytes
    fails: bytes
    silent_approved: bytes
    silent_lost: bytes
    wrong_code: bytes
    wrong_postal_code: bytes

    def request(self, digits: bytes, *, minor: int = 1250, with_code: bool = True) -> Authorisation:
        card = CardInHand(number(digits), EXPIRY, code() if with_code else None)
        return Authorisation(ACCOUNT, reference(), Money(minor, "GBP"), card)

    def at_home(self, request: Authorisation, postal_code: str) -> Authorisation:
        return replace(request, card=replace(request.card, postal_code=postal_code))


def reference() -> str:
    return make_id(ATTEMPT, 0, SYSTEM_ENTROPY)


def simulator(folder: Path) -> Rig:
    clock = SimulatedClock()

    def make() -> SimulatorGateway:
        return SimulatorGateway(folder / "simulator.db", clock, sleep=clock.sleep)

    def current() -> SimulatorGateway:
        assert isinstance(rig.gateway, SimulatorGateway)
        return rig.gateway

    async def reopen() -> Gateway:
        await rig.gateway.close()
        rig.gateway = make()
        return rig.gateway

    async def moved(asked: str) -> int:
        return sum(each.reference == asked for each in await current().movements(ACCOUNT))

    rig = Rig(
        gateway=make(),
        clock=clock,
        reopen=reopen,
        moved=moved,
        approves=b"4242424242424242",
        declines=b"4000000000000002",
        fails=b"4000000000000119",
        silent_approved=b"4000000000009003",
        silent_lost=b"4000000000009029",
        wrong_code=b"4000000000000127",
        wrong_postal_code=b"4000000000000036",
    )
    return rig


RIGS: dict[str, Callable[[Path], Rig]] = {"simulator": simulator}
