"""A Braintree and its double in simulated time, and what went over the wire between them, without the card."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path

from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import Authorisation, BillingDetails, CardInHand, GatewayAnswer, Kind, Made, Terms
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.gateways import GatewayDouble
from tonevault.testing.gateways.braintree import BraintreeWire
from tonevault.testing.gateways.braintree.markup import Tree, parse
from tonevault.testing.gateways.turn import Reply, Turn

MERCHANT = "unit"
VISA = b"4242424242424242"
ACCOUNTS = {"GBP": "test-gbp", "JPY": "test-jpy"}


class ListeningWire(BraintreeWire):
    """Keeps the trees that came in, by path, without the card."""

    def __init__(self, settles_after_s: float = 0.0) -> None:
        super().__init__(settles_after_s=settles_after_s)
        self.trees: list[tuple[str, Tree]] = []

    def answer(self, turn: Turn) -> Reply:
        tree = parse(turn.request.body)
        tree.pop("credit_card", None)
        self.trees.append((turn.request.path.rpartition("/")[2], tree))
        return super().answer(turn)


@dataclass
class Till:
    """Where a card meets Braintree."""

    double: GatewayDouble
    wire: ListeningWire
    clock: SimulatedClock
    gateway: BraintreeGateway

    def request(
        self,
        digits: bytes = VISA,
        *,
        money: Money | None = None,
        terms: Terms | None = None,
        billing: BillingDetails | None = None,
    ) -> Authorisation:
        card = CardInHand(number(digits), EXPIRY, code(), billing or BillingDetails())
        reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
        return Authorisation(ACCOUNT, reference, money or Money(1250, "GBP"), card, terms or Terms())

    def made(self, request: Authorisation, answer: GatewayAnswer | None = None) -> Made:
        """The attempt; without an answer, none is known."""
        reference = answer.gateway_reference if answer else None
        return Made(
            ACCOUNT,
            request.reference,
            Kind.PAYMENT,
            request.money,
            self.clock.utc(),
            reference,
            request.terms,
        )

    def next(self, kind: Kind, of: Made, minor: int | None = None) -> Made:
        money = of.money if minor is None else Money(minor, of.money.currency)
        reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
        return replace(of, reference=reference, kind=kind, money=money, gateway_reference=None, of=of)

    def net(self) -> int:
        signs = {Kind.REFUND: -1, Kind.VOID: -1}
        return sum(signs.get(each.kind, 1) * each.amount_minor for each in self.double.ledger.movements())


Story = Callable[[Till], Coroutine[None, None, None]]


def play(folder: Path, story: Story, *, settles_after_s: float = 0.0, url: str | None = None) -> None:
    """Play a story with a Braintree of its own."""

    async def whole() -> None:
        clock, wire = SimulatedClock(), ListeningWire(settles_after_s)
        with GatewayDouble(wire, folder / "double.db", now=lambda: clock.utc().timestamp()) as double:
            access = BraintreeAccess(MERCHANT, "public", "private", ACCOUNTS, url or double.url)
            gateway = BraintreeGateway(ACCOUNT, access, clock, timeout_s=30.0)
            try:
                await story(Till(double, wire, clock, gateway))
            finally:
                await gateway.close()

    asyncio.run(whole())
