"""Key ceremonies as two custodians hold them: the real command on a real terminal, what they read, and what is done to the keys."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import pytest
from sqlalchemy import Connection, select

from tests.custodians import ACME, card_digits
from tests.terminal import Terminal
from tests.till import EXPIRY, number
from tonevault.app.key_room import key_room
from tonevault.app.settings import TonevaultSettings
from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.keys.retirement import cards_by_epoch
from tonevault.cde.schema import TOKEN
from tonevault.cde.vault.service import OpeningPurpose, Vault
from tonevault.plumbing.sql import Database

ALICE = "Qwyx jolt/vazoo Krimm"
BORIS = "zub7 fnord&Wexley pyjt"
CAROL = "Hjkl vug*yttrb Oxhqz"
BOTH = "--as alice --with boris"
CARDS = 1_500
"""Six batches of a re-keying, so that one can be met in its middle."""
TRIES = 5


@dataclass(frozen=True)
class Office:
    """A deployment's folder, and terminals in it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "tonevault.toml"

    @property
    def settings(self) -> TonevaultSettings:
        return TonevaultSettings.model_validate(
            {"data_dir": self.folder / "data", "accounts": [{"id": "acme", "name": "Acme"}]}
        )

    def keys(self, words: str) -> Terminal:
        """`tonevault keys …` on a terminal of its own."""
        command = ["-m", "tonevault.app.cli", "--config", str(self.config), "keys", *words.split()]
        return Terminal(command)

    def hold(self, words: str, *, code: int = 0) -> str:
        """An act of alice and boris, who both type what they should; everything that they read."""
        with self.keys(f"{words} {BOTH}") as terminal:
            terminal.answer("alice, your passphrase: ", ALICE)
            terminal.answer("boris, your passphrase: ", BORIS)
            assert terminal.end() == code, terminal.seen
            return nothing_typed_in(terminal.seen)

    def shares(self) -> dict[str, bytes]:
        """Every share that lies here."""
        return {str(each): each.read_bytes() for each in self.folder.rglob("*.share")}

    def people(self) -> tuple[list[str], list[str]]:
        """Who the custodians are, and which ceremonies wait."""

        async def ask() -> tuple[list[str], list[str]]:
            async with key_room(self.settings) as room:
                custodians, waiting = await room.ceremonies.custodians(), await room.ceremonies.waiting()
            return [each.name for each in custodians], [each.ceremony_id for each in waiting]

        return asyncio.run(ask())

    def database(self) -> Database:
        return Database(f"sqlite:///{self.folder / 'data' / 'secure' / 'secure.db'}")

    def keep(self, count: int) -> None:
        """Have the vault keep cards."""

        async def run() -> None:
            async with key_room(self.settings) as room:
                vault, now = Vault(room.database, room.custody()), room.clock.utc()
                cards = (number(card_digits(place)) for place in range(count))
                await asyncio.gather(
                    *(vault.tokenise(ACME, card, EXPIRY, TokenUsage.MULTI, now) for card in cards)
                )

        asyncio.run(run())

    def opens_all(self, count: int) -> None:
        """Every card opens, under whatever key it is."""

        async def run() -> None:
            async with key_room(self.settings) as room:
                vault, now = Vault(room.database, room.custody()), room.clock.utc()
                tokens = await room.database.read(
                    lambda c: list(c.execute(select(TOKEN.c.token_id)).scalars())
                )
                assert len(tokens) == count
                for token in tokens[:: max(1, count // 50)]:
                    async with vault.open_card(ACME, token, OpeningPurpose.CHARGE, now) as card:
                        assert card.number.last4

        asyncio.run(run())


def nothing_typed_in(seen: str) -> str:
    """What is on a screen, which holds nothing that anybody typed, not even in part."""
    for secret in (ALICE, BORIS, CAROL):
        for place in range(len(secret) - 5):
            assert secret[place : place + 6] not in seen
    return seen


def office_in(folder: Path) -> Office:
    folder.mkdir(exist_ok=True)
    made = Office(folder)
    made.config.write_text(f'data_dir = "{folder / "data"}"\n[[accounts]]\nid = "acme"\nname = "Acme"\n')
    return made


@pytest.fixture(scope="module")
def founding(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """An office whose two custodians have just made the first key; every test takes a copy."""
    office = office_in(tmp_path_factory.mktemp("founding"))
    with office.keys("init --custodian alice --custodian boris") as terminal:
        for name, phrase in (("alice", ALICE), ("boris", BORIS)):
            terminal.answer(f"{name}, choose a passphrase of 12 characters or more: ", phrase)
            terminal.answer(f"{name}, the same once more: ", phrase)
        assert terminal.end() == 0, terminal.seen
        said = nothing_typed_in(terminal.seen)
    assert "alice and boris are custodians now." in said
    assert len(office.shares()) == 3
    assert all(share in said for share in office.shares())
    return office


@pytest.fixture
def founded(founding: Office, tmp_path: Path) -> Office:
    shutil.copytree(founding.folder / "data", tmp_path / "data")
    return office_in(tmp_path)


@contextmanager
def writing(database: Database) -> Iterator[dict[int, int]]:
    """Another process's transaction, which all other writers wait for until the block ends; how many cards are under which epoch."""
    seen: Queue[dict[int, int]] = Queue()
    may_end = threading.Event()

    def hold(connection: Connection) -> None:
        seen.put(cards_by_epoch(connection, ACME))
        may_end.wait(30)

    thread = threading.Thread(target=database.transact_now, args=(hold,))
    thread.start()
    try:
        yield seen.get(timeout=30)
    finally:
        may_end.set()
        thread.join()


@contextmanager
def met_in_the_middle(office: Office, database: Database) -> Iterator[Terminal]:
    """A re-keying with some batches done, while the next waits for its turn to write: the block meets it in the middle."""
    for _ in range(TRIES):
        with office.keys(f"rekey {BOTH}") as terminal:
            terminal.answer("alice, your passphrase: ", ALICE)
            terminal.answer("boris, your passphrase: ", BORIS)
            while terminal.process.poll() is None:
                terminal.glance()
                with writing(database) as cards:
                    if len(cards) == 2:
                        yield terminal
                        break
            else:
                # Writers take turns, but this machine may have forgotten about us for all of it.
                assert terminal.end() == 0, terminal.seen
                continue
            terminal.end()
            nothing_typed_in(terminal.seen)
            return
    raise AssertionError(f"{TRIES} re-keyings went by unseen")


def test_a_first_passphrase_that_does_not_do_is_asked_for_again(tmp_path: Path) -> None:
    office = office_in(tmp_path)
    with office.keys("init --custodian alice --custodian boris") as terminal:
        terminal.answer("alice, choose a passphrase of 12 characters or more: ", "eleven char")
        terminal.expect("a custodian's passphrase has 12 to 128 characters; choose another.")
        terminal.answer("alice, choose", ALICE)
        terminal.answer("alice, the same once more: ", BORIS)
        terminal.expect("The two differ; choose again.")
        terminal.answer("alice, choose", ALICE)
        terminal.answer("alice, the same once more: ", ALICE)
        terminal.expect("boris, choose a passphrase of 12 characters or more: ")
        terminal.interrupt()
        assert terminal.end() == 130
        assert "Stopped. Nothing was done." in nothing_typed_in(terminal.seen)
        assert "eleven" not in terminal.seen
    assert office.shares() == {}
    assert office.people() == ([], [])


def test_a_wrong_passphrase_is_one_sentence_with_the_way_out(founded: Office) -> None:
    before = founded.shares()
    with founded.keys(f"rotate {BOTH}") as terminal:
        terminal.expect("alice proposes: rotate (put a new key into force)")
        terminal.answer("alice, your passphrase: ", ALICE)
        terminal.answer("boris, your passphrase: ", CAROL)
        assert terminal.end() == 1
        assert nothing_typed_in(terminal.seen).splitlines()[-1] == (
            "Error: the passphrase is not the one of this name; nothing was done. Give the command again; "
            "6 wrong passphrases in a row lock a name for 30 minutes"
        )
    assert founded.shares() == before
    assert founded.people() == (["alice", "boris"], [])


def test_ctrl_c_at_a_question_leaves_keys_and_proposals_as_they_were(founded: Office) -> None:
    before = founded.shares()
    with founded.keys(f"rotate {BOTH}") as terminal:
        terminal.answer("alice, your passphrase: ", ALICE)
        terminal.expect("boris, your passphrase: ")
        terminal.interrupt()
        assert terminal.end() == 130
        assert terminal.echoes
        assert terminal.seen.splitlines()[-1] == "Stopped. Nothing was done."
        nothing_typed_in(terminal.seen)
    assert founded.shares() == before
    assert founded.people() == (["alice", "boris"], [])


def test_one_proposes_and_another_approves_elsewhere_and_a_newcomer_chooses(founded: Office) -> None:
    with founded.keys("custodian add carol --as alice") as terminal:
        terminal.expect("alice proposes: custodian add (carol becomes a custodian)")
        terminal.answer("alice, your passphrase: ", ALICE)
        terminal.expect("another custodian approves and carries it out:")
        terminal.expect("tonevault keys approve ")
        ceremony = terminal.expect(" --as NAME").split()[0]
        assert terminal.end() == 0
        nothing_typed_in(terminal.seen)
    assert founded.people() == (["alice", "boris"], [ceremony])
    for ends_well in (False, True):
        with founded.keys(f"approve {ceremony} --as boris") as terminal:
            terminal.expect("alice proposes: custodian add (carol becomes a custodian)")
            terminal.answer("boris, your passphrase: ", BORIS)
            terminal.answer("carol, choose a passphrase of 12 characters or more: ", CAROL)
            terminal.expect("carol, the same once more: ")
            if ends_well:
                terminal.type(CAROL)
            else:
                terminal.interrupt()
            assert terminal.end() == (0 if ends_well else 130)
            nothing_typed_in(terminal.seen)
    assert founded.people() == (["alice", "boris", "carol"], [])


def test_a_whole_life_of_keys(founded: Office) -> None:
    founded.keep(3)
    said = founded.hold("rotate")
    assert "is in force. Those before it are kept until `keys rewrap` and `keys retire`." in said
    with founded.keys("rewrap") as terminal:
        assert terminal.end() == 0
        assert "rewrapping [##############################] 2 of 2 keys" in terminal.seen
        assert "2 keys were wrapped anew; all are under the key in force." in terminal.seen
    said = founded.hold("rekey --index")
    assert "re-keying acme [##############################] 3 of 3 cards" in said
    assert "acme: 3 cards are under the new key" in said
    assert "retired  kek_" in founded.hold("retire")
    (lost,) = (founded.folder / "data" / "secure" / "keys" / "custodian-two").iterdir()
    content = lost.read_bytes()
    lost.unlink()
    assert f"rebuilt: {lost}" in founded.hold("recover custodian-two")
    assert lost.read_bytes() == content
    founded.opens_all(3)
    said = founded.hold("shred --account acme")
    assert "alice proposes: shred (delete the keys of the account acme: its cards never open again)" in said
    assert "3 tokens of acme are revoked and hold no card any more." in said


def test_a_re_keying_that_is_killed_or_stopped_goes_on_where_it_was(founded: Office) -> None:
    founded.keep(CARDS)
    database = founded.database()

    def left() -> int:
        """Cards that are not under the newest key."""
        cards = database.read_now(lambda c: cards_by_epoch(c, ACME))
        return sum(cards.values()) - cards[max(cards)]

    try:
        with met_in_the_middle(founded, database) as terminal:
            terminal.kill()
            assert terminal.end() == -9
        waiting = left()
        assert 0 < waiting < CARDS
        founded.opens_all(CARDS)
        with founded.keys(f"rekey {BOTH}") as terminal:
            terminal.expect("A re-keying that two custodians approved was cut short. It goes on")
            terminal.expect("re-keying acme [")
            assert terminal.end() == 0
            assert f"acme: {waiting:,} cards are under the new key" in terminal.seen
            assert "passphrase" not in terminal.seen
        assert left() == 0

        with met_in_the_middle(founded, database) as terminal:
            terminal.interrupt()
        assert terminal.process.returncode == 130, terminal.seen
        assert terminal.seen.splitlines()[-1].endswith(
            "Stopped. What is done stays done, nothing is lost, and the same command goes on with the rest."
        )
        assert left() > 0
        founded.opens_all(CARDS)
        command = [
            sys.executable,
            "-m",
            "tonevault.app.cli",
            "--config",
            str(founded.config),
            "keys",
            "rekey",
        ]
        piped = subprocess.run([*command, *BOTH.split()], capture_output=True, text=True, check=True)
        assert piped.stdout.splitlines()[0].startswith("A re-keying that two custodians approved")
        assert not set("\r\x1b#") & set(piped.stdout + piped.stderr)
        assert left() == 0
        founded.opens_all(CARDS)
    finally:
        database.close_now()
