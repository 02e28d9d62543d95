"""The product with one deliberate leak after another, a card of its own for each, observed as in the canary run."""

import asyncio
from pathlib import Path
from typing import Final

from tests.boundary.canary.agent_leg import keys_on_any_channel
from tests.boundary.canary.cards import Canary, with_check_digit
from tests.boundary.canary.desk_client import until
from tests.boundary.canary.evidence import Evidence
from tests.boundary.canary.gathering import Gathering
from tests.boundary.canary.money_plays import CHECKED, card_is_checked, move_money, token_of
from tests.boundary.canary.plants import FLOWS, Flags, Plant
from tests.boundary.canary.stage import CanaryCall, CanaryStage, LineKind
from tests.boundary.canary.webhook_play import send, stripe
from tonevault.testing.softphone import KeyCarrier

CLEAN: Final = Canary("nothing planted", with_check_digit("541739082643917"), "094")
"""Keyed while no flag is up: the leaks that are found are those that were planted."""

PLANTED: Final = {
    Plant.LOG: Canary("log", with_check_digit("493170528639417"), "061"),
    Plant.CODE: Canary("code", with_check_digit("527603918472563"), "072"),
    Plant.REFERENCE: Canary("reference", with_check_digit("460938257143689"), "083"),
    Plant.ANSWER: Canary("answer", with_check_digit("513862094751386"), "038"),
    Plant.SECURE_MEMORY: Canary("secure memory", with_check_digit("471596283047159"), "049"),
    Plant.DESK_MEMORY: Canary("desk memory", with_check_digit("538214690735821"), "027"),
    Plant.FAULT: Canary("fault", with_check_digit("486051739268405"), "016"),
    Plant.SCHEDULE: Canary("schedule", with_check_digit("472058163974062"), "015"),
    Plant.SPLIT: Canary("split", with_check_digit("519640283751946"), "024"),
    Plant.CAPTURE: Canary("capture", with_check_digit("465917302864159"), "035"),
    Plant.VOID: Canary("void", with_check_digit("534802719650348"), "046"),
    Plant.REFUND: Canary("refund", with_check_digit("481369507248136"), "057"),
    Plant.VERIFICATION: Canary("verification", with_check_digit("526174930862517"), "068"),
    Plant.RECONCILIATION: Canary("reconciliation", with_check_digit("497083615294708"), "079"),
    Plant.WEBHOOK: Canary("webhook", with_check_digit("508361942750836"), "081"),
    Plant.COMMAND: Canary("command", with_check_digit("473950281647395"), "092"),
}
SUSPECTS: Final = (CLEAN, *PLANTED.values())

QUIET: Final = "quiet"
CARRIERS: Final = {
    Plant.EVENTS: KeyCarrier.EVENT,
    Plant.TONES: KeyCarrier.TONE,
    Plant.INFO: KeyCarrier.INFO,
}
"""Leaks towards the agent: each on a line of its own, which has the plant's name."""
AFTER: Final = "after the leaks"


def planted_run(folder: Path) -> Evidence:
    """One run with every leak. PYTHONPATH must be that of the launcher, whose flags are in `folder`/flags."""
    lines = dict.fromkeys((QUIET, *(plant.value for plant in CARRIERS)), LineKind.TALK)
    lines[CHECKED] = LineKind.CHECKED
    gathering = Gathering(folder / "run", lines, SUSPECTS)
    try:
        asyncio.run(_act(gathering, Flags(folder / "flags")))
        gathering.gather()
        for call, path in gathering.recordings().items():
            line = next((line for line, its in gathering.stage.calls.items() if its == call), call)
            gathering.evidence.keys_in_recordings[line] = keys_on_any_channel(path)
    finally:
        gathering.close()
    return gathering.evidence


async def _act(gathering: Gathering, flags: Flags) -> None:
    async with gathering.up() as stage:
        async with stage.call(QUIET) as call:
            await _charge(call, CLEAN)
            flags.raise_(Plant.LOG)
            await _number_alone(call, PLANTED[Plant.LOG])
            flags.lower(Plant.LOG)
            flags.raise_(Plant.CODE)
            await _code_alone(call, PLANTED[Plant.CODE])
            flags.lower(Plant.CODE)
            flags.raise_(Plant.SECURE_MEMORY)
            await _number_alone(call, PLANTED[Plant.SECURE_MEMORY])
            flags.lower(Plant.SECURE_MEMORY)
            flags.raise_(Plant.REFERENCE)
            await _charge(call, PLANTED[Plant.REFERENCE])
            flags.lower(Plant.REFERENCE)
            flags.raise_(Plant.FAULT)
            await _charge(call, PLANTED[Plant.FAULT], "unknown")
            flags.lower(Plant.FAULT)
            for plant in (Plant.ANSWER, Plant.DESK_MEMORY):
                flags.raise_(plant, PLANTED[plant].number)
                await call.desk.get(f"/v1/calls/{call.id}")
                flags.lower(plant)
        for plant in FLOWS:
            flags.raise_(plant, PLANTED[plant].number)
        async with asyncio.TaskGroup() as group:
            group.create_task(_money(stage))
            group.create_task(card_is_checked(stage, gathering.house, CLEAN))
            group.create_task(_webhook(gathering))
            group.create_task(_command(gathering, call.id))
        for plant in CARRIERS:
            flags.raise_(plant)
        async with asyncio.TaskGroup() as group:
            for plant, carrier in CARRIERS.items():
                group.create_task(_keys_unmasked(stage, plant.value, carrier))
        await gathering.read_memory(AFTER, "secure", "desk")


async def _money(stage: CanaryStage) -> None:
    assert stage.desk is not None
    tokens = [await token_of(stage.desk, one) for one in (CLEAN, PLANTED[Plant.REFERENCE])]
    await move_money(stage.desk, *tokens)


async def _webhook(gathering: Gathering) -> None:
    told = stripe("evt_planted", {"object": "payment_intent", "id": PLANTED[Plant.WEBHOOK].number})
    await send([told], gathering.house.ports.webhooks)


async def _command(gathering: Gathering, call: str) -> None:
    async def there() -> str | None:
        found = gathering.recordings().get(call)
        return None if found is None else str(found)

    await gathering.print_commands(("tones", await until("recording", there)))


async def _charge(call: CanaryCall, canary: Canary, state: str = "succeeded") -> None:
    session = await call.open_session(1250)
    await call.key_card(session, canary, KeyCarrier.EVENT)
    assert (await session.complete())["state"] == state


async def _number_alone(call: CanaryCall, canary: Canary) -> None:
    session = await call.open_session()
    await call.key_field(session, "card_number", canary.number, KeyCarrier.EVENT)
    await session.cancel()


async def _code_alone(call: CanaryCall, canary: Canary) -> None:
    session = await call.open_session()
    await call.key_field(session, "security_code", canary.code, KeyCarrier.EVENT)
    await session.cancel()


async def _keys_unmasked(stage: CanaryStage, line: str, carrier: KeyCarrier) -> None:
    async with stage.call(line) as call:
        session = await call.open_session()
        await session.capture("card_number")
        await call.press(CLEAN.number[:8], carrier)
        await session.cancel()
