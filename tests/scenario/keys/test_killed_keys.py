"""Acts on keys, really killed (SIGKILL) at random moments while the vault serves: every card reads back at every moment."""

import asyncio
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.custodians import ACME, ALICE, BORIS, card_digits
from tests.databases import secure_url
from tests.key_room import KeyRoom
from tests.till import EXPIRY, START, Till, number

from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.keys.retirement import cards_by_epoch
from tonevault.cde.schema import ACCOUNT_KEY
from tonevault.cde.vault.key_store import keks

ROOT = Path(__file__).parents[3]
CARDS = 40
KILLS = int(os.environ.get("TONEVAULT_KEY_KILLS", "3"))
"""More of them make a longer test."""
SEED = 11


async def command(folder: Path, act: str, lines: int | None) -> int:
    """Run an act to its end, or let it tell so many lines and end it where it stands."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.scenario.keys.keys_process",
        secure_url(folder),
        str(folder),
        act,
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    told = 0
    while told != lines and await process.stdout.readline():
        told += 1
    if told == lines:
        process.kill()
    await process.stdout.read()
    return await process.wait()


@pytest.mark.usefixtures("every_database")
def test_killed_again_and_again_every_card_reads_back(tmp_path: Path) -> None:
    dice = random.Random(SEED)

    async def story() -> None:
        till = Till(tmp_path)
        # Other processes go by the wall clock. Here it stands still, so no key is read anew for its age alone.
        till.clock.advance((datetime.now(UTC) - START).total_seconds())
        room = KeyRoom(till)
        await room.ceremonies.found(ALICE, BORIS)
        await room.keep(*range(CARDS))
        over = False

        async def serve() -> int:
            """What calls do meanwhile: known cards are known, new ones are kept, and all of them open."""
            rounds = 0
            while not over:
                place = dice.randrange(CARDS)
                before = next(
                    token for (_, token), digits in room.cards.items() if digits == card_digits(place)
                )
                view, existing = await till.vault.tokenise(
                    ACME, number(card_digits(place)), EXPIRY, TokenUsage.MULTI, room.clock.utc()
                )
                assert (view.token_id, existing) == (before, True)
                await room.keep(CARDS + rounds)
                await room.read_some(dice.sample(list(room.cards), 8))
                rounds += 1
            return rounds

        serving = asyncio.create_task(serve())
        killed = 0
        for turn in range(KILLS):
            act = ("rekey", "rewrap")[turn % 2]
            killed += await command(tmp_path, act, dice.randrange(1, 9 if act == "rekey" else 4)) == -9
        assert killed, "the deaths are real"
        for act in ("rekey", "rewrap"):
            assert await command(tmp_path, act, None) == 0
        over = True
        assert await serving >= 3

        register = await till.database.read(keks)
        newest = max(register, key=lambda kek: kek.made_at).key_id
        wrapped_by = await till.database.read(
            lambda c: set(c.execute(select(ACCOUNT_KEY.c.key_id)).scalars())
        )
        assert wrapped_by == {newest}
        assert len(await till.database.read(lambda c: cards_by_epoch(c, ACME))) == 1
        await room.reopen()
        await room.read_all()
        await till.close()

    asyncio.run(story())
