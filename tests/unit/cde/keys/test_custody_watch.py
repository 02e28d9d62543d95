"""An outage of the custody: told once and taken back once; open keys serve on, and a card that needs a new key is not kept."""

import asyncio
from threading import Event

import pytest
from structlog.testing import capture_logs
from tests.custodians import ACME, card_digits
from tests.key_room import KeyRoom
from tests.till import EXPIRY, number
from tests.unit.cde.keys.conftest import Play

from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.charging.completion import NotTokenised
from tonevault.cde.custodies.file import FileCustody
from tonevault.cde.key_custody import KeyCustodyError, KeyCustodyUnavailableError
from tonevault.cde.keys.custody_watch import CustodyWatch
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.vault import custody_thread
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.cde.vault.keys import REREAD_AFTER
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId


class Failing(FileCustody):
    """A custody on files that can be taken away."""

    gone = False

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        self.check()
        return super().wrap(data_key, context, key_id)

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        self.check()
        return super().unwrap(wrapped, context, key_id)

    def check(self) -> None:
        if self.gone:
            raise KeyCustodyUnavailableError("vault-transit: is sealed or in maintenance; unseal it")


def failing(room: KeyRoom) -> Failing:
    custody = Failing(room.till.custody._paths)
    room.till.vault._keys._custody = custody
    return custody


def test_open_keys_serve_on_and_other_accounts_get_no_token(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        custody = failing(room)
        await room.keep(1, 2)
        custody.gone = True
        for _ in range(3):
            room.clock.advance(REREAD_AFTER.total_seconds())
            await room.keep(3)
            await room.read_all()
        with pytest.raises(KeyCustodyUnavailableError):
            await room.keep(4, account=AccountId("other"))
        outcome = await room.till.completion.vault_and_charge(AccountId("other"), room.till.card())
        assert outcome == NotTokenised()
        custody.gone = False
        await room.keep(4, account=AccountId("other"))
        await room.read_all()

    play(story)


def test_an_epoch_that_begins_in_an_outage_is_taken_up_when_it_is_over(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        custody = failing(room)
        await room.keep(1, 2)
        await room.rekeying.begin(await room.mandate(KeyAct.REKEY), room.clock.utc())
        custody.gone = True
        await room.read_all()
        with pytest.raises(KeyCustodyError):
            await room.keep(3)
        custody.gone = False
        await room.keep(3)
        await room.rekeying.run(ACME, room.clock.utc())
        await room.read_all()

    play(story)


def test_the_log_tells_of_an_outage_once_and_of_its_end_once(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        custody = failing(room)
        watch = CustodyWatch(custody)
        with capture_logs() as said:
            for gone in (False, True, True, False, False):
                custody.gone = gone
                await watch.look()
        assert [each["event"] for each in said] == [
            "the key custody does not work; keys that are open serve on, and no other can be opened or made",
            "the key custody works again",
        ]
        assert "is sealed" in said[0]["error"]

    play(story)


def test_it_looks_until_it_is_stopped(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        looks: list[float] = []

        async def sleep(seconds: float) -> None:
            looks.append(seconds)
            await asyncio.sleep(0)
            if len(looks) == 3:
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await CustodyWatch(room.till.custody, sleep).run()
        assert looks == [60.0] * 3

    play(story)


def test_a_module_that_hangs_holds_up_nobody_but_who_asks(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custody_thread, "PATIENCE_S", 0.05)

    async def story(room: KeyRoom) -> None:
        hung = Event()
        with pytest.raises(KeyCustodyUnavailableError, match="did not answer within"):
            await CustodyThread().run(lambda: hung.wait(30))
        hung.set()

    play(story)


def test_many_who_ask_at_once_are_answered_by_one_reading(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        custody = failing(room)
        asked: list[bytes] = []
        unwrap = custody.unwrap

        def counted(wrapped: bytes, context: bytes, key_id: str) -> bytes:
            asked.append(context)
            return unwrap(wrapped, context, key_id)

        custody.unwrap = counted  # type: ignore[method-assign]
        node = Vault(room.database, custody)

        async def keep() -> None:
            await node.tokenise(ACME, number(card_digits(1)), EXPIRY, TokenUsage.MULTI, room.clock.utc())

        await asyncio.gather(*(keep() for _ in range(20)))
        assert len(asked) == 2

    play(story)
