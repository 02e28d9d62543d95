"""How the suite drives each adapter: which card brings about which outcome there, and how to see the money that moved."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path

from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import (
    Authorisation,
    BillingDetails,
    CardInHand,
    Gateway,
    Hint,
    HintAbout,
    Kind,
    Made,
    Terms,
)
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.simulator.outcomes import TIMEOUT_APPROVED, TIMEOUT_LOST
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY


class Trouble(Enum):
    """What can befall the next request on the line."""

    ANSWER_LOST = "answer lost"
    REQUEST_LOST = "request lost"


@dataclass
class Rig:
    """One adapter, ready to be asked.

    `reopen` starts the adapter anew; `moved` counts movements of money under a reference (a payment that is only held moves
    none); `net` is what a payment has brought in minor units, captures added, refunds and voids taken off; `befall` makes the
    trouble happen to the next request; `webhook` writes one as the gateway would (None where it has no Feature.WEBHOOK).
    A card that the gateway cannot tell apart is None, and the test of it is skipped.
    """

    gateway: Gateway
    clock: SimulatedClock
    reopen: Callable[[], Awaitable[Gateway]]
    moved: Callable[[str], Awaitable[int]]
    net: Callable[[str], Awaitable[int]]
    befall: Callable[[Trouble], None]
    approves: bytes = b"4242424242424242"
    declines: bytes = b"4000000000000002"
    fails: bytes = b"4000000000000119"
    silent_approved: bytes = b"4000000000009003"
    silent_lost: bytes = b"4000000000009029"
    wrong_code: bytes = b"4000000000000127"
    wrong_postal_code: bytes = b"4000000000000036"
    lost_card: bytes | None = b"4000000000009987"
    wrong_address: bytes | None = b"4000000000000028"
    foreign_currency: str | None = None
    webhook: Callable[[Made], tuple[Mapping[str, str], bytes]] | None = None
    webhook_life: timedelta = timedelta(hours=1)
    """After this a webhook is a replay."""
    end: Callable[[], None] = lambda: None
    """Stops what stands behind the adapter."""

    def request(
        self, digits: bytes, *, minor: int = 1250, with_code: bool = True, terms: Terms | None = None
    ) -> Authorisation:
        card = CardInHand(number(digits), EXPIRY, code() if with_code else None)
        return Authorisation(ACCOUNT, reference(), Money(minor, "GBP"), card, terms or Terms())

    def held(self, *, minor: int = 1250) -> Authorisation:
        return self.request(self.approves, minor=minor, terms=Terms(take_now=False))

    def at_home(
        self, request: Authorisation, postal_code: str | None, address_line: str | None = None
    ) -> Authorisation:
        return replace(request, card=replace(request.card, billing=BillingDetails(postal_code, address_line)))

    def made(
        self, request: Authorisation, gateway_reference: str | None = None, kind: Kind = Kind.PAYMENT
    ) -> Made:
        """The attempt as the engine's books have it. Without a gateway's reference: no answer ever came."""
        return Made(
            request.account_id,
            request.reference,
            kind,
            request.money,
            self.clock.utc(),
            gateway_reference,
            request.terms,
        )

    def next(self, kind: Kind, of: Made, minor: int | None = None) -> Made:
        """A follow-up of a payment, under a reference of its own."""
        money = of.money if minor is None else Money(minor, of.money.currency)
        return Made(ACCOUNT, reference(), kind, money, self.clock.utc(), terms=of.terms, of=of)


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

    async def net(payment: str) -> int:
        signs = {Kind.REFUND: -1, Kind.VOID: -1}
        return sum(
            signs.get(each.kind, 1) * each.money.amount_minor
            for each in await current().movements(ACCOUNT)
            if payment in (each.reference, each.of_reference)
        )

    def befall(trouble: Trouble) -> None:
        current().play_next(TIMEOUT_APPROVED if trouble is Trouble.ANSWER_LOST else TIMEOUT_LOST)

    def webhook(made: Made) -> tuple[Mapping[str, str], bytes]:
        about = HintAbout.REFUND if made.kind is Kind.REFUND else HintAbout.PAYMENT
        return current().webhook(Hint("evt_one", about, made.reference, made.gateway_reference))

    rig = Rig(
        gateway=make(),
        clock=clock,
        reopen=reopen,
        moved=moved,
        net=net,
        befall=befall,
        foreign_currency="KWD",
        webhook=webhook,
    )
    return rig
