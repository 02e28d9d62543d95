"""A rig for an adapter that talks to a gateway's double: the test cards, the trouble and the counting are the same for all."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.conformance.gateways.rigs import Rig, Trouble
from tests.till import SimulatedClock

from tonevault.cde.gateway import Gateway, Kind, Made
from tonevault.testing.gateways import Behaviour, GatewayDouble, Step
from tonevault.testing.gateways.turn import Wire

SIGNS = {Kind.REFUND: -1, Kind.VOID: -1}
TROUBLE = {Trouble.ANSWER_LOST: Behaviour(answers=False), Trouble.REQUEST_LOST: Behaviour(arrives=False)}


def rig_on_double(
    folder: Path,
    wire: Wire,
    merchant: str,
    make: Callable[[str, SimulatedClock], Gateway],
    webhook: Callable[[Made, SimulatedClock], tuple[Mapping[str, str], bytes]] | None = None,
    *,
    tries: int = 1,
) -> Rig:
    """`make` opens the adapter on the double's URL; `merchant` is what the wire knows it by. `tries`: how often it asks."""
    clock = SimulatedClock()
    double = GatewayDouble(wire, folder / "double.db", now=lambda: clock.utc().timestamp(), pace=0.0).start()

    async def reopen() -> Gateway:
        await rig.gateway.close()
        rig.gateway = make(double.url, clock)
        return rig.gateway

    async def moved(reference: str) -> int:
        return len(double.ledger.movements(reference))

    async def net(payment: str) -> int:
        entries = {each.entry_id for each in double.ledger.by_reference(merchant, payment)}
        for parent in tuple(entries):
            entries |= {each.entry_id for each in double.ledger.children(merchant, parent)}
        return sum(
            SIGNS.get(each.kind, 1) * each.amount_minor
            for each in double.ledger.movements()
            if each.entry_id in entries
        )

    def befall(trouble: Trouble) -> None:
        for step in (Step.AUTHORISE, Step.VERIFY, Step.CAPTURE, Step.VOID, Step.REFUND):
            double.script(step, *[TROUBLE[trouble]] * tries)

    rig = Rig(
        gateway=make(double.url, clock),
        clock=clock,
        reopen=reopen,
        moved=moved,
        net=net,
        befall=befall,
        webhook=None if webhook is None else lambda made: webhook(made, clock),
        end=double.stop,
    )
    return rig
