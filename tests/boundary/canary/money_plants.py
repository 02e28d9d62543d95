"""Deliberate leaks in what is done with cards that are kept: each movement of money, webhooks, and what commands print."""

import base64
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from tests.boundary.canary.plants import Flags, Plant


def _part(flags: Flags, plant: Plant) -> str:
    """Eleven digits in a reference pass the boundary's types."""
    return f"ref-{flags.content(plant)[:11]}"


def sow_money(flags: Flags) -> None:
    """What the simulated gateway says of cards that are kept: a part of a number as its reference."""
    from tonevault.cde.gateway import Initiator, Listed  # noqa: PLC0415 - only where it is patched
    from tonevault.cde.gateways.simulator.adapter import SimulatorGateway  # noqa: PLC0415

    authorise, verify = SimulatorGateway.authorise, SimulatorGateway.verify
    follow_up, listed = SimulatorGateway.follow_up, SimulatorGateway.listed

    async def leaking_authorise(self: SimulatorGateway, request: Any) -> Any:
        answer = await authorise(self, request)
        up = request.terms.initiator is Initiator.RECURRING and flags.is_up(Plant.SCHEDULE)
        return replace(answer, gateway_reference=_part(flags, Plant.SCHEDULE)) if up else answer

    async def leaking_verify(self: SimulatorGateway, request: Any) -> Any:
        answer = await verify(self, request)
        up = flags.is_up(Plant.VERIFICATION)
        return replace(answer, gateway_reference=_part(flags, Plant.VERIFICATION)) if up else answer

    async def leaking_follow_up(self: SimulatorGateway, made: Any) -> Any:
        answer, plant = await follow_up(self, made), Plant(made.kind.value)
        return replace(answer, gateway_reference=_part(flags, plant)) if flags.is_up(plant) else answer

    async def leaking_listed(
        self: SimulatorGateway, account_id: Any, since: Any, until: Any
    ) -> AsyncIterator[Any]:
        async for line in listed(self, account_id, since, until):
            yield line
            if flags.is_up(Plant.RECONCILIATION):
                strange = _part(flags, Plant.RECONCILIATION)
                yield Listed(None, strange, line.kind, line.money, line.verdict, line.at)

    SimulatorGateway.authorise = leaking_authorise  # type: ignore[method-assign]
    SimulatorGateway.verify = leaking_verify  # type: ignore[method-assign]
    SimulatorGateway.follow_up = leaking_follow_up  # type: ignore[method-assign]
    SimulatorGateway.listed = leaking_listed  # type: ignore[method-assign]


def sow_webhooks(flags: Flags) -> None:
    """The body of a webhook in the log."""
    from tonevault.cde.charging.hints import GatewayHints  # noqa: PLC0415 - only where it is patched

    receive, log = GatewayHints.receive, logging.getLogger("planted")

    async def leaking_receive(
        self: GatewayHints, account: Any, gateway_name: str, headers: Any, body: bytes
    ) -> Any:
        if flags.is_up(Plant.WEBHOOK):
            log.warning("a webhook: %s", base64.b64encode(body).decode())
        return await receive(self, account, gateway_name, headers, body)

    GatewayHints.receive = leaking_receive  # type: ignore[method-assign]


def sow_command(flags: Flags) -> None:
    """`tonevault tones` prints what it should not."""
    from tonevault.app.tones_page import TextPage  # noqa: PLC0415 - only where it is patched

    end = TextPage.end

    def leaking_end(self: TextPage, count: int) -> None:
        end(self, count)
        if flags.is_up(Plant.COMMAND):
            self._line(" ".join(flags.content(Plant.COMMAND)))

    TextPage.end = leaking_end  # type: ignore[method-assign]
