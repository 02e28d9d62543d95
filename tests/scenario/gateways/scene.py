"""A till whose gateway is an SDK over a double, in simulated time, and the webhooks of what was done there."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.till import ACCOUNT, SimulatedClock, Till

from tonevault.cde.charging.hints import Heard
from tonevault.cde.gateway import Gateway
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.kernel.clock import Clock
from tonevault.testing.gateways import WIRES, GatewayDouble
from tonevault.testing.gateways.braintree import webhook_form
from tonevault.testing.gateways.ledger import Told
from tonevault.testing.gateways.stripe import event_body, signature_header

SECRET = "whsec_scenario"


def stripe(url: str, clock: Clock) -> Gateway:
    return StripeGateway("sk_test_scenario", clock, webhook_secrets=(SECRET,), base_url=url)


def stripe_webhook(told: Told) -> tuple[Mapping[str, str], bytes]:
    body = event_body(told)
    return {"stripe-signature": signature_header(body, SECRET, told.made_at)}, body


def braintree(url: str, clock: Clock) -> Gateway:
    access = BraintreeAccess("scenario", "public", "private", {"GBP": "test-gbp"}, url)
    return BraintreeGateway(ACCOUNT, access, clock)


def worldpay(url: str, clock: Clock) -> Gateway:
    return WorldpayGateway(ACCOUNT, WorldpayAccess("merchant", "secret", "default", "Acme", url=url), clock)


def no_webhook(told: Told) -> tuple[Mapping[str, str], bytes]:
    raise NotImplementedError(f"webhooks of {told.merchant} are told by its conformance rig alone")


def braintree_webhook(told: Told) -> tuple[Mapping[str, str], bytes]:
    return {"content-type": "application/x-www-form-urlencoded"}, webhook_form(told, "public", "private")


@dataclass
class Scene:
    """A till whose gateway is a double's, and the webhooks of what was done there."""

    till: Till
    double: GatewayDouble
    written: Callable[[Told], tuple[Mapping[str, str], bytes]]

    def webhooks(self) -> list[tuple[Mapping[str, str], bytes]]:
        return [self.written(each) for each in self.double.ledger.told()]

    async def receive(self, webhook: tuple[Mapping[str, str], bytes]) -> Heard:
        return await self.till.cashier.hints.receive(ACCOUNT, self.double.wire.name, *webhook)

    async def sweep(self) -> None:
        """Do what is due now, and not what time would bring."""
        while await self.till.cashier.sweep():
            pass


Story = Callable[[Scene], Coroutine[None, None, None]]
GATEWAYS = {
    "stripe": (stripe, stripe_webhook),
    "braintree": (braintree, braintree_webhook),
    "worldpay": (worldpay, no_webhook),
}
TELLING = ("stripe", "braintree")
"""Whose doubles write down what they would send as a webhook."""


def play_scene(name: str, folder: Path, story: Story) -> None:
    """Play a story with a till of its own on the gateway of this name."""
    make, written = GATEWAYS[name]

    async def whole() -> None:
        clock, wire = SimulatedClock(), WIRES[name]()
        with GatewayDouble(wire, folder / "double.db", now=lambda: clock.utc().timestamp()) as double:
            gateway = make(double.url, clock)
            till = Till(folder, clock, wrap_gateway=lambda _: gateway)
            try:
                await story(Scene(till, double, written))
            finally:
                await till.close()
                await gateway.close()

    asyncio.run(whole())
