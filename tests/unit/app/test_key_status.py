"""`tonevault keys status`: the table for people and the object for programs tell the same facts, and none that is secret."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tonevault.app.key_report import in_words, status_lines
from tonevault.app.key_settings import KeySettings
from tonevault.app.key_status import KeyStatus, Remark
from tonevault.app.key_status_document import status_document
from tonevault.cde.key_custody import CustodyKind
from tonevault.cde.keys.census import AccountLine, Census, KekLine
from tonevault.cde.keys.model import Ceremony, CeremonyState, Custodian, KeyAct
from tonevault.cde.vault.key_store import Kek, KekState, KeyPurpose
from tonevault.kernel.ids import AccountId

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACME = AccountId("acme")
SECRET = "$argon2id$what is stored of a passphrase"


def days(count: int) -> datetime:
    return NOW - timedelta(days=count)


def kek(key_id: str, state: KekState, *, wraps: int = 0, age: int = 3) -> KekLine:
    retired_at = NOW if state is KekState.RETIRED else None
    return KekLine(Kek(key_id, CustodyKind.FILE, state, days(age), retired_at), wraps)


def status(
    keks: tuple[KekLine, ...] = (),
    keys: tuple[AccountLine, ...] = (),
    there: tuple[str, ...] | None = ("kek_a", "kek_b"),
    locked_until: datetime | None = None,
) -> KeyStatus:
    ceremony = Ceremony(
        "cer_x", KeyAct.SHRED, "acme", CeremonyState.PROPOSED, "alice", None, NOW, NOW + timedelta(hours=1)
    )
    people = [Custodian("alice", SECRET, NOW, 0, None), Custodian("boris", SECRET, NOW, 2, locked_until)]
    return KeyStatus(
        census=Census(list(keks), list(keys)),
        custodians=people,
        waiting=[ceremony],
        there=there,
        custody_fault=None if there is not None else "share: is missing",
        settings=KeySettings(),
        at=NOW,
    )


def rows(found: KeyStatus, name: str) -> list[dict[str, object]]:
    """A list of the object, as a program reads it."""
    read: dict[str, list[dict[str, object]]] = json.loads(json.dumps(status_document(found)))
    return read[name]


@pytest.mark.parametrize(
    ("line", "there", "remark", "note"),
    [
        (kek("kek_a", KekState.IN_FORCE, wraps=2), ("kek_a",), None, "    2"),
        (kek("kek_a", KekState.IN_FORCE, age=366), ("kek_a",), Remark.PAST_CRYPTOPERIOD, "rotate, rewrap, retire"),
        (kek("kek_a", KekState.IN_FORCE, age=366), (), Remark.NOT_WITH_CUSTODY, "NOT WITH THE CUSTODY"),
        (kek("kek_a", KekState.KEPT, wraps=2), (), Remark.NOT_WITH_CUSTODY, "NOT WITH THE CUSTODY"),
        (kek("kek_a", KekState.KEPT, wraps=2), ("kek_a",), Remark.NEEDS_REWRAP, "keys rewrap` frees it"),
        (kek("kek_a", KekState.KEPT), ("kek_a",), Remark.MAY_BE_RETIRED, "may be retired"),
        (kek("kek_a", KekState.RETIRED, age=800), (), None, "    0"),
        (kek("kek_a", KekState.IN_FORCE), None, None, "    0"),
    ],
)  # fmt: skip
def test_both_say_the_same_of_a_key_encrypting_key(
    line: KekLine, there: tuple[str, ...] | None, remark: Remark | None, note: str
) -> None:
    found = status((line,), there=there)
    (told,) = rows(found, "key_encrypting_keys")
    assert (told["remark"], told["state"]) == (remark, line.kek.state)
    assert told["with_custody"] == (None if there is None else line.kek.key_id in there)
    row = next(each for each in status_lines(found) if each.startswith("kek_a"))
    assert row.rstrip().endswith(note) or note in row


@pytest.mark.parametrize(
    ("superseded", "cards", "age", "remark"),
    [
        (False, 7, 10, None),
        (False, 7, 731, Remark.PAST_CRYPTOPERIOD),
        (True, 7, 10, Remark.NEEDS_REKEY),
        (True, 0, 10, Remark.MAY_BE_RETIRED),
        (True, None, 10, Remark.MAY_BE_RETIRED),
    ],
)
def test_both_say_the_same_of_an_accounts_key(
    superseded: bool, cards: int | None, age: int, remark: Remark | None
) -> None:
    purpose = KeyPurpose.INDEX if cards is None else KeyPurpose.DATA
    line = AccountLine(ACME, purpose, 1, not superseded, days(age), cards)
    found = status(keys=(line,))
    assert found.of_key(line) is remark
    (told,) = rows(found, "account_keys")
    assert told == {
        "account": "acme",
        "purpose": purpose.value,
        "epoch": 1,
        "state": "superseded" if superseded else "in_force",
        "made_at": days(age).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "age_days": age,
        "cryptoperiod_days": 730,
        "cards": cards,
        "remark": remark,
    }


def test_the_whole_object() -> None:
    whole = status_document(
        status((kek("kek_a", KekState.IN_FORCE),), locked_until=NOW + timedelta(minutes=5))
    )
    written = json.dumps(whole)
    assert SECRET not in written
    assert whole["at"] == "2026-03-01T12:00:00Z"
    assert whole["custody"] == {"kind": "file", "before": None, "works": True, "fault": None}
    assert whole["unregistered_keys"] == ["kek_b"]
    assert whole["custodians"] == [
        {"name": "alice", "locked_until": None},
        {"name": "boris", "locked_until": "2026-03-01T12:05:00Z"},
    ]
    assert whole["waiting_ceremonies"] == [
        {
            "ceremony_id": "cer_x",
            "act": "shred",
            "subject": "acme",
            "state": "proposed",
            "proposer": "alice",
            "approver": None,
            "proposed_at": "2026-03-01T12:00:00Z",
            "expires_at": "2026-03-01T13:00:00Z",
        }
    ]


def test_a_custody_that_does_not_work_is_a_fact_like_others() -> None:
    whole = status_document(status(there=None))
    assert whole["custody"] == {"kind": "file", "before": None, "works": False, "fault": "share: is missing"}
    assert whole["unregistered_keys"] == []


def test_people_read_who_is_locked_and_what_waits_in_words() -> None:
    said = "\n".join(status_lines(status(locked_until=NOW + timedelta(minutes=5))))
    assert "custodians: alice, boris (locked until 12:05 UTC)" in said
    assert "cer_x, shred (delete the keys of the account acme: its cards never open again)" in said
    assert "boris (locked" not in "\n".join(status_lines(status(locked_until=NOW)))


@pytest.mark.parametrize("act", KeyAct)
def test_every_act_has_words(act: KeyAct) -> None:
    words = in_words(act, "acme")
    assert "acme" in words or act is KeyAct.RETIRE
