"""A Stripe and its double in simulated time, and what went over the wire between them, without the card."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import Authorisation, BillingDetails, CardInHand, Kind, Made, Terms
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.gateways import GatewayDouble
from tonevault.testing.gateways.stripe import StripeWire
from tonevault.testing.gateways.stripe.form import Form, parse
from tonevault.testing.gateways.turn import Reply, Turn

KEY = "sk_test_unit"
VISA = b"4242424242424242"


class ListeningWire(StripeWire):
    """Keeps the forms that came in, by path, without what a card is."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, Form]] = []
        self.gate = Event()
        """Confirmations wait here, on their way, while it is shut."""
        self.gate.set()
        self.reached = Event()

    def answer(self, turn: Turn) -> Reply:
        form = parse(turn.request.body.decode())
        card = form.get("card")
        if isinstance(card, dict):
            form["card"] = {name: value for name, value in card.items() if name.startswith("exp")}
        if turn.request.path.endswith("/confirm"):
            self.reached.set()
            assert self.gate.wait(60)
        self.forms.append((turn.request.path.rpartition("/")[2], form))
        return super().answer(turn)


@dataclass
class Counter:
    """Where a card meets Stripe."""

    double: GatewayDouble
    wire: ListeningWire
    clock: SimulatedClock
    gateway: StripeGateway
    others: list[StripeGateway] = field(default_factory=list)

    def another(self, *, key: str = KEY, url: str | None = None, timeout_s: float = 30.0) -> StripeGateway:
        """Another process's adapter."""
        self.others.append(
            StripeGateway(key, self.clock, base_url=url or self.double.url, timeout_s=timeout_s)
        )
        return self.others[-1]

    def request(
        self,
        digits: bytes = VISA,
        *,
        money: Money | None = None,
        terms: Terms | None = None,
        billing: BillingDetails | None = None,
        return_url: str | None = None,
    ) -> Authorisation:
        card = CardInHand(number(digits), EXPIRY, code(), billing or BillingDetails())
        reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
        return Authorisation(
            ACCOUNT, reference, money or Money(1250, "GBP"), card, terms or Terms(), return_url
        )

    def made(self, request: Authorisation, kind: Kind = Kind.PAYMENT) -> Made:
        """The attempt, of which no answer is known."""
        return Made(
            request.account_id, request.reference, kind, request.money, self.clock.utc(), None, request.terms
        )

    def moved(self, request: Authorisation) -> int:
        return len(self.double.ledger.movements(request.reference))


Story = Callable[[Counter], Coroutine[None, None, None]]


def play(folder: Path, story: Story, timeout_s: float = 30.0) -> None:
    """Play a story with a Stripe of its own."""

    async def whole() -> None:
        clock, wire = SimulatedClock(), ListeningWire()
        with GatewayDouble(wire, folder / "double.db", now=lambda: clock.utc().timestamp()) as double:
            gateway = StripeGateway(KEY, clock, base_url=double.url, timeout_s=timeout_s)
            counter = Counter(double, wire, clock, gateway)
            try:
                await story(counter)
            finally:
                for each in (gateway, *counter.others):
                    await each.close()

    asyncio.run(whole())
