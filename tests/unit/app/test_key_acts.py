"""`tonevault keys`: what two people at a terminal see and what is done, from the first key to a lost share and an account that leaves."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError
from tests.custodians import QUICK, card_digits
from tests.till import EXPIRY, number

from tonevault.app import key_acts
from tonevault.app.audit_doctor import examine_audit
from tonevault.app.findings import Level
from tonevault.app.key_commands import run as run_command
from tonevault.app.key_room import KeyRoom, key_room
from tonevault.app.settings import TonevaultSettings
from tonevault.app.terminal_interrupts import Stopped
from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.keys import ceremonies
from tonevault.cde.keys.ceremonies import Person
from tonevault.cde.keys.errors import CeremonyRefusedError, KeyActRefusedError
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.keys.reseal import NewCard, OldCard
from tonevault.cde.keys.rotation import Rotation
from tonevault.cde.schema import AUDIT_CHAIN, AUDIT_ENTRY
from tonevault.cde.vault.key_store import Kek
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId

BOTH = ("alice", "boris")
ACME = AccountId("acme")


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremonies, "PasswordHasher", lambda: QUICK)


@pytest.fixture
def settings(tmp_path: Path) -> TonevaultSettings:
    return TonevaultSettings.model_validate(
        {"data_dir": tmp_path / "data", "accounts": [{"id": "acme", "name": "Acme"}]}
    )


def ask(name: str, is_new: bool) -> Person:
    return Person(name, f"the phrase of {name}")


def init(settings: TonevaultSettings) -> None:
    asyncio.run(key_acts.found(settings, BOTH, None, ask))


def hold(settings: TonevaultSettings, act: KeyAct, subject: str = "*", second: str | None = "boris") -> None:
    asyncio.run(key_acts.hold(settings, act, subject, ("alice", second), ask))


def in_room(settings: TonevaultSettings, work) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    async def run() -> None:
        async with key_room(settings) as room:
            await work(room)

    asyncio.run(run())


async def keep(room: KeyRoom, count: int) -> None:
    vault = Vault(room.database, room.custody())
    for place in range(count):
        card = number(card_digits(place))
        await vault.tokenise(ACME, card, EXPIRY, TokenUsage.MULTI, room.clock.utc())


def keys_dir(settings: TonevaultSettings) -> Path:
    return settings.data_dir / "secure" / "keys"


def test_the_first_key_is_made_by_two_and_its_shares_are_told(
    settings: TonevaultSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    init(settings)
    said = capsys.readouterr().out
    assert "alice and boris are custodians now" in said
    for holder in ("custodian-one", "custodian-two", "escrow"):
        (share,) = (keys_dir(settings) / holder).iterdir()
        assert str(share) in said
    assert "move the escrow's share to a safe elsewhere" in said
    assert "tonevault keys recover custodian-one" in said
    init(settings)
    assert "There is a key in force already" in capsys.readouterr().out


def test_one_name_or_three_are_refused(settings: TonevaultSettings) -> None:
    for names in (("alice",), ("alice", "boris", "carol")):
        with pytest.raises(KeyActRefusedError, match="--custodian: name exactly two people"):
            asyncio.run(key_acts.found(settings, names, None, ask))


def test_a_year_of_a_key(settings: TonevaultSettings, capsys: pytest.CaptureFixture[str]) -> None:
    init(settings)
    in_room(settings, lambda room: keep(room, 5))
    hold(settings, KeyAct.ROTATE)
    asyncio.run(key_acts.rewrap(settings))
    assert "2 keys were wrapped anew" in capsys.readouterr().out
    hold(settings, KeyAct.REKEY)
    assert re.search(r"acme: 5 cards are under the new key \([\d,]+ a second\)", capsys.readouterr().out)
    hold(settings, KeyAct.RETIRE)
    said = capsys.readouterr().out
    assert re.search(r"^retired  kek_[a-z]+: its shares here are erased", said, flags=re.MULTILINE)
    assert "kept     acme: data key, epoch 1: was superseded less than 2 minutes ago" in said
    asyncio.run(key_acts.status(settings, as_json=False))
    said = capsys.readouterr().out
    assert re.search(r"acme +data +2 in force +0 d +730 d +5\n", said)
    assert re.search(r"acme +data +1 superseded .* 0 +may be retired", said)
    assert "custodians: alice, boris" in said
    asyncio.run(key_acts.status(settings, as_json=True))
    told = json.loads(capsys.readouterr().out)
    assert [(each["epoch"], each["cards"]) for each in told["account_keys"] if each["purpose"] == "data"] == [
        (1, 0),
        (2, 5),
    ]


def test_the_second_custodian_may_come_later_from_elsewhere(
    settings: TonevaultSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    init(settings)
    hold(settings, KeyAct.ROTATE, second=None)
    (ceremony,) = re.findall(r"keys approve (cer_[a-z]+) --as NAME", capsys.readouterr().out)
    asyncio.run(key_acts.status(settings, as_json=False))
    assert (
        f"waiting: {ceremony}, rotate (put a new key into force), proposed by alice"
        in capsys.readouterr().out
    )
    with pytest.raises(CeremonyRefusedError, match="another custodian approves"):
        asyncio.run(key_acts.approve(settings, ceremony, "alice", ask))
    asyncio.run(key_acts.approve(settings, ceremony, "boris", ask))
    assert "alice proposes: rotate (put a new key into force)" in capsys.readouterr().out
    assert len(list((keys_dir(settings) / "escrow").iterdir())) == 2


@pytest.mark.parametrize("lost", ["custodian-one", "custodian-two"])
def test_a_lost_share_is_named_by_the_custody_and_rebuilt_by_two(
    settings: TonevaultSettings, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    init(settings)
    in_room(settings, lambda room: keep(room, 2))
    (share,) = (keys_dir(settings) / lost).iterdir()
    content = share.read_bytes()
    share.unlink()
    with pytest.raises(KeyCustodyError, match="keys recover"):
        asyncio.run(key_acts.rewrap(settings))
    asyncio.run(key_acts.status(settings, as_json=False))
    assert "The custody does not work" in capsys.readouterr().err
    asyncio.run(key_acts.status(settings, as_json=True))
    told = capsys.readouterr()
    assert (json.loads(told.out)["custody"]["works"], told.err) == (False, "")
    hold(settings, KeyAct.RECOVER, lost)
    assert f"rebuilt: {share}" in capsys.readouterr().out
    assert share.read_bytes() == content
    asyncio.run(key_acts.rewrap(settings))


def test_a_re_keying_that_was_cut_short_goes_on_without_a_ceremony(
    settings: TonevaultSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    init(settings)
    in_room(settings, lambda room: keep(room, 4))

    def killed(account: AccountId, cards: list[OldCard], keys: object) -> list[NewCard]:
        raise KeyActRefusedError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("tonevault.cde.keys.rekeying.reseal", killed)
        with pytest.raises(KeyActRefusedError, match="killed"):
            hold(settings, KeyAct.REKEY)
    assert asyncio.run(key_acts.resume_rekeying(settings, None))
    assert "4 cards are under the new key" in capsys.readouterr().out
    assert not asyncio.run(key_acts.resume_rekeying(settings, None))


def test_an_account_leaves(settings: TonevaultSettings, capsys: pytest.CaptureFixture[str]) -> None:
    init(settings)
    in_room(settings, lambda room: keep(room, 3))
    hold(settings, KeyAct.SHRED, "acme")
    said = capsys.readouterr().out
    assert "2 keys of acme are deleted" in said
    assert "3 tokens of acme are revoked and hold no card any more" in said


def test_custodians_change(settings: TonevaultSettings, capsys: pytest.CaptureFixture[str]) -> None:
    init(settings)
    hold(settings, KeyAct.ENROL, "carol")
    hold(settings, KeyAct.DISMISS, "boris")
    assert "Renew what boris knew" in capsys.readouterr().out
    asyncio.run(key_acts.status(settings, as_json=False))
    assert "custodians: alice, carol" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("act", "subject", "said"),
    [
        (KeyAct.SHRED, "4242424242424242", "--account: must be the id of an account"),
        (KeyAct.REKEY, "4242424242424242", "--account: must be the id of an account"),
        (KeyAct.ENROL, "4242424242424242", "a custodian's name has"),
        (KeyAct.ROTATE, "4242424242424242", "--key: must be a key's ARN"),
        (KeyAct.RECOVER, "4242424242424242", "HOLDER: must be custodian-one"),
    ],
)
def test_what_was_typed_by_mistake_is_neither_kept_nor_repeated(
    settings: TonevaultSettings, act: KeyAct, subject: str, said: str
) -> None:
    init(settings)
    with pytest.raises(CeremonyRefusedError, match=said) as refusal:
        hold(settings, act, subject)
    assert "4242" not in str(refusal.value)
    assert subject.encode() not in (settings.data_dir / "secure" / "secure.db").read_bytes()


def test_the_audit_log_holds_and_a_ceremony_cut_off_its_end_is_seen(settings: TonevaultSettings) -> None:
    init(settings)
    hold(settings, KeyAct.ROTATE)
    assert next(iter(examine_audit(settings))).level is Level.OK

    async def cut(room: KeyRoom) -> None:
        last = select(func.max(AUDIT_ENTRY.c.number)).scalar_subquery()
        await room.database.transact(
            lambda c: c.execute(delete(AUDIT_ENTRY).where(AUDIT_ENTRY.c.number == last))
        )
        head = (
            select(AUDIT_ENTRY.c.number, AUDIT_ENTRY.c.digest).order_by(AUDIT_ENTRY.c.number.desc()).limit(1)
        )
        row = await room.database.read(lambda c: c.execute(head).one())
        changed = update(AUDIT_CHAIN).values(number=row.number, digest=row.digest)
        await room.database.transact(lambda c: c.execute(changed))

    in_room(settings, cut)
    assert next(iter(examine_audit(settings))).level is Level.FAULT


@pytest.mark.parametrize(
    ("act", "subject", "people", "said"),
    [
        (KeyAct.ROTATE, "*", ("alice", "alice"), "--with: must be another custodian"),
        (KeyAct.ROTATE, "*", ("Alice", "boris"), "--as: is no custodian's name"),
        (KeyAct.ROTATE, "*", ("alice", "carol"), "--with: is no custodian's name"),
        (KeyAct.ROTATE, "*", ("carol", None), "--as: is no custodian's name"),
        (KeyAct.REKEY, "*", BOTH, "no account has keys yet"),
        (KeyAct.REKEY_INDEX, "acne", BOTH, "--account: has no keys"),
        (KeyAct.SHRED, "acne", BOTH, "--account: has no keys"),
        (KeyAct.RECOVER, "escrow", BOTH, "no share of escrow is missing"),
        (KeyAct.ENROL, "boris", BOTH, "NAME: was given before"),
        (KeyAct.DISMISS, "carol", BOTH, "NAME: is no custodian's"),
        (KeyAct.DISMISS, "boris", BOTH, "two custodians must stay"),
    ],
)
def test_nobody_is_asked_for_a_passphrase_in_vain(
    settings: TonevaultSettings, act: KeyAct, subject: str, people: tuple[str, str | None], said: str
) -> None:
    init(settings)

    def nobody(name: str, is_new: bool) -> Person:
        raise AssertionError("was asked")

    with pytest.raises((KeyActRefusedError, KeyCustodyError), match=said):
        asyncio.run(key_acts.hold(settings, act, subject, people, nobody))
    with pytest.raises(KeyActRefusedError, match="alice and boris are custodians already"):
        asyncio.run(key_acts.found(settings, ("alice", "carol"), None, nobody))


def test_who_is_locked_is_told_before_a_passphrase_is_asked_for(settings: TonevaultSettings) -> None:
    init(settings)

    def wrong(name: str, is_new: bool) -> Person:
        return Person(name, "not the phrase of anybody")

    said = []
    for _ in range(7):
        with pytest.raises(CeremonyRefusedError) as refusal:
            asyncio.run(key_acts.hold(settings, KeyAct.ROTATE, "*", BOTH, wrong))
        said.append(str(refusal.value))
    assert all("the passphrase is not the one of this name; nothing was done" in each for each in said[:6])
    assert said[6].startswith("alice: locked after 6 wrong passphrases; try again at ")


def test_a_change_of_mind_at_a_question_leaves_no_proposal(
    settings: TonevaultSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    init(settings)

    def leave(name: str, is_new: bool) -> Person:
        if name == "boris":
            raise Stopped("Nothing was done.")
        return ask(name, is_new)

    with pytest.raises(Stopped):
        asyncio.run(key_acts.hold(settings, KeyAct.ROTATE, "*", BOTH, leave))
    asyncio.run(key_acts.status(settings, as_json=True))
    told = json.loads(capsys.readouterr().out.partition("force)")[2])
    assert (told["waiting_ceremonies"], len(told["key_encrypting_keys"])) == ([], 1)


def test_ctrl_c_waits_for_what_was_approved(
    settings: TonevaultSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    init(settings)
    rotate = Rotation.rotate

    async def interrupted(*args: Any) -> Kek:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        return await rotate(*args)

    monkeypatch.setattr(Rotation, "rotate", interrupted)
    hold(settings, KeyAct.ROTATE)
    told = capsys.readouterr()
    assert told.err.count("Please wait: the act was approved and takes a moment") == 1
    assert "is in force. Those before it are kept" in told.out
    assert len(list((keys_dir(settings) / "escrow").iterdir())) == 2


def test_a_database_that_fails_is_one_sentence_without_what_was_in_it(
    settings: TonevaultSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(error: Exception) -> None:
        raise error

    locked = OperationalError("UPDATE card SET x = 4242", {}, sqlite3.OperationalError("database is locked"))
    told = "(database is locked). `tonevault keys status` shows how the keys stand"
    with pytest.raises(click.ClickException, match=re.escape(told)):
        run_command(fails(locked))
    with pytest.raises(click.ClickException) as refusal:
        run_command(fails(OperationalError("UPDATE", {}, ValueError("4242"))))
    assert "4242" not in refusal.value.message


def test_nothing_is_done_without_custodians(settings: TonevaultSettings) -> None:
    with pytest.raises(KeyActRefusedError, match="`tonevault keys init` enrols the first two"):
        hold(settings, KeyAct.ROTATE)


def test_the_words_of_the_command_line(tmp_path: Path) -> None:
    """Passphrases come from the terminal, refusals go to stderr in one line, with exit code 1."""
    config = tmp_path / "tonevault.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n[[accounts]]\nid = "acme"\nname = "Acme"\n')

    def run(words: str, typed: str = "") -> tuple[int, str]:
        command = [sys.executable, "-m", "tonevault.app.cli", "--config", str(config), "keys", *words.split()]
        done = subprocess.run(
            command,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        return done.returncode, done.stdout + done.stderr

    phrases = "the phrase of alice\n" * 2 + "the phrase of boris\n" * 2
    code, said = run("init --custodian alice --custodian boris", phrases)
    assert (code, "is in force" in said) == (0, True), said
    code, said = run("retire --as alice --with boris", "the phrase of alice\nnot boris's phrase\n")
    assert (code, "Error: the passphrase is not the one of this name" in said) == (1, True)
    assert "not boris's" not in said
    code, said = run("recover custodian-three --as alice")
    assert (code, "custodian-one" in said) == (2, True)
