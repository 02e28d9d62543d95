"""The product with one deliberate leak after another, a card of its own for each, observed as in the canary run."""

import asyncio
from pathlib import Path
from typing import Final

from tests.boundary.canary.cards import Canary, with_check_digit
from tests.boundary.canary.evidence import Evidence
from tests.boundary.canary.gathering import Gathering
from tests.boundary.canary.plants import Flags, Plant
from tests.boundary.canary.stage import CanaryCall, CanaryStage, LineKind
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
    gathering = Gathering(folder / "run", lines, SUSPECTS)
    try:
        asyncio.run(_act(gathering, Flags(folder / "flags")))
        gathering.gather()
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
        for plant in CARRIERS:
            flags.raise_(plant)
        async with asyncio.TaskGroup() as group:
            for plant, carrier in CARRIERS.items():
                group.create_task(_keys_unmasked(stage, plant.value, carrier))
        await gathering.read_memory(AFTER, "secure", "desk")


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
