"""Any acts on keys in any order, several nodes, restarts: each card always opens to what it was, and a known card is always known."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.custodians import ACME
from tests.key_room import KeyRoom
from tests.till import EXPIRY, Till, number

from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.keys import reseal
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.keys.retirement import SETTLING

ACTS = (
    "keep",
    "rotate",
    "rewrap",
    "rekey",
    "rekey-index",
    "batch",
    "finish",
    "retire",
    "settle",
    "restart",
    "revoke",
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ACTS), min_size=4, max_size=12))
def test_every_card_opens_at_every_moment(acts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder), acts))


async def story(folder: Path, acts: list[str]) -> None:
    room = KeyRoom(Till(folder))
    await room.keep(0, 1, 2)
    kept = 3
    for act in acts:
        kept += await do(room, act, kept)
        await room.read_all()
        known = {digits: token for (_, token), digits in room.cards.items()}
        for digits, token in list(known.items())[:2]:
            view, existing = await room.till.vault.tokenise(
                ACME, number(digits), EXPIRY, TokenUsage.MULTI, room.clock.utc()
            )
            assert (view.token_id, existing) == (token, True)
    await room.till.close()


async def do(room: KeyRoom, act: str, kept: int) -> int:
    """Carry out an act; the number of cards that it added."""
    now = room.clock.utc()
    match act:
        case "keep":
            await room.keep(kept)
            return 1
        case "rotate":
            await room.rotation.rotate(await room.mandate(KeyAct.ROTATE), now)
        case "rewrap":
            await room.rewrapping.run(now, "alice")
        case "rekey" | "rekey-index":
            await room.rekeying.begin(await room.mandate(KeyAct(act)), room.clock.utc())
        case "batch":
            await one_batch(room)
        case "finish":
            await room.rekeying.run(ACME, now)
        case "retire":
            await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        case "settle":
            room.clock.advance(SETTLING.total_seconds())
        case "restart":
            await room.reopen()
        case "revoke":
            account, token = next(reversed(room.cards))
            await room.till.vault.revoke(account, token, now)
            del room.cards[account, token]
            await room.keep(kept)
            return 1
    return 0


async def one_batch(room: KeyRoom) -> None:
    """Two cards of a re-keying that is then cut short."""
    keys = await room.rekeying._ring.reread(ACME, room.clock.utc())
    some = (await room.database.read(lambda c: reseal.read_batch(c, ACME, keys.epoch, "")))[:2]
    fresh = reseal.reseal(ACME, some, keys)
    await room.database.transact(lambda c: reseal.write_batch(c, ACME, fresh, keys.epoch))
