"""Whatever is done to the log is found at the first entry that does not hold: changes, gaps, swaps, additions, cuts."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, Connection, and_, delete, select, update
from tests.unit.cde.audit.logs import Log

from tonevault.cde.audit.anchor_file import AnchorFile, from_letters, in_letters, read_anchors
from tonevault.cde.audit.chain import Head
from tonevault.cde.audit.model import NO_DIGEST, link, microseconds
from tonevault.cde.schema import AUDIT_CHAIN, AUDIT_ENTRY

Tamper = Callable[[Connection, str], object]


def at(chain: str, number: int) -> ColumnElement[bool]:
    return and_(AUDIT_ENTRY.c.chain == chain, AUDIT_ENTRY.c.number == number)


def change(column: str, value: object) -> Tamper:
    return lambda c, chain: c.execute(update(AUDIT_ENTRY).where(at(chain, 3)).values({column: value}))


def later(connection: Connection, chain: str) -> None:
    written = connection.execute(select(AUDIT_ENTRY.c.at).where(at(chain, 3))).scalar_one()
    moved = written + timedelta(microseconds=1)
    connection.execute(update(AUDIT_ENTRY).where(at(chain, 3)).values(at=moved))


def swap(connection: Connection, chain: str) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        connection.execute(update(AUDIT_ENTRY).where(at(chain, old)).values(number=new))


def put_in(connection: Connection, chain: str) -> None:
    row = connection.execute(select(AUDIT_ENTRY).where(at(chain, 6))).one()
    values = dict(row._mapping) | {"number": 7, "account_id": row.account_id}
    parts = {name: values[name] for name in ("actor", "action", "subject", "detail")}
    values["digest"] = link(row.digest, chain, 7, at_us=microseconds(row.at), account=row.account_id, **parts)
    connection.execute(AUDIT_ENTRY.insert().values(values))


def cut(connection: Connection, chain: str) -> None:
    connection.execute(delete(AUDIT_ENTRY).where(AUDIT_ENTRY.c.chain == chain, AUDIT_ENTRY.c.number > 4))


def cut_with_the_head(connection: Connection, chain: str) -> None:
    """Whoever may write to the database sets the head back as well: only what is held elsewhere tells."""
    cut(connection, chain)
    last = connection.execute(select(AUDIT_ENTRY.c.digest).where(at(chain, 4))).scalar_one()
    connection.execute(update(AUDIT_CHAIN).where(AUDIT_CHAIN.c.chain == chain).values(number=4, digest=last))


def write_anew(connection: Connection, chain: str) -> None:
    """The digests need no key, so who may write to the database can make a whole new chain that fits in itself."""
    previous = NO_DIGEST
    rows = connection.execute(
        select(AUDIT_ENTRY).where(AUDIT_ENTRY.c.chain == chain).order_by(AUDIT_ENTRY.c.number)
    ).all()
    for row in rows:
        subject = "forged" if row.number == 2 else row.subject
        previous = link(
            previous, chain, row.number, at_us=microseconds(row.at), account=row.account_id, actor=row.actor,
            action=row.action, subject=subject, detail=row.detail,
        )  # fmt: skip
        connection.execute(
            update(AUDIT_ENTRY).where(at(chain, row.number)).values(subject=subject, digest=previous)
        )
    connection.execute(update(AUDIT_CHAIN).where(AUDIT_CHAIN.c.chain == chain).values(digest=previous))


def all_gone(connection: Connection, chain: str) -> None:
    connection.execute(delete(AUDIT_ENTRY).where(AUDIT_ENTRY.c.chain == chain))
    connection.execute(delete(AUDIT_CHAIN).where(AUDIT_CHAIN.c.chain == chain))


@pytest.mark.parametrize(
    ("tamper", "found", "says"),
    [
        (change("account_id", "bolt-two"), 3, "changed"),
        (later, 3, "changed"),
        (change("actor", "somebody"), 3, "changed"),
        (change("action", "token_made"), 3, "changed"),
        (change("subject", "tok_x"), 3, "changed"),
        (change("detail", "{}"), 3, "changed"),
        (change("digest", bytes(32)), 3, "changed"),
        (lambda c, chain: c.execute(delete(AUDIT_ENTRY).where(at(chain, 1))), 1, "missing"),
        (lambda c, chain: c.execute(delete(AUDIT_ENTRY).where(at(chain, 3))), 3, "missing"),
        (swap, 3, "changed"),
        (put_in, 7, "beyond the head"),
        (cut, 5, "missing"),
        (cut_with_the_head, 5, "cut short"),
        (write_anew, 6, "written anew"),
        (all_gone, 1, "gone"),
        (lambda c, _: c.execute(update(AUDIT_CHAIN).values(digest=bytes(32))), 6, "head"),
        (lambda c, _: c.execute(delete(AUDIT_CHAIN)), 1, "beyond the head"),
    ],
)
def test_tampering_is_found(log: Log, tamper: Tamper, found: int, says: str) -> None:
    log.enter(range(6))
    chain = log.chain()
    assert log.check().broken == []
    log.database.transact_now(lambda c: tamper(c, chain))
    (broken,) = log.check().broken
    assert (broken.chain, broken.number) == (chain, found)
    assert says in broken.reason


def test_an_anchor_that_lags_behind_is_no_fault(log: Log) -> None:
    log.enter(range(3))
    earlier = dict(log.anchor.heads)
    log.enter(range(3, 6))
    log.anchor.heads = earlier
    assert log.check().broken == []


def test_a_head_that_was_noted_elsewhere_must_stand_in_a_chain(log: Log) -> None:
    log.enter(range(4))
    noted = log.anchor.heads[log.chain()].digest
    log.enter(range(4, 6))
    assert log.check([noted]).unseen == set()
    log.anchor.heads.clear()
    chain = log.chain()
    log.database.transact_now(lambda c: write_anew(c, chain))
    verdict = log.check([noted])
    assert (verdict.broken, verdict.unseen) == ([], {noted})


def test_an_empty_log_holds(log: Log) -> None:
    verdict = log.check()
    assert (verdict.entries, verdict.chains, verdict.broken) == (0, 0, [])


def test_heads_in_a_file_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "audit-heads"
    assert read_anchors(path) == {}
    first = AnchorFile(path)
    first.hold("secure.1", Head(3, b"a" * 32))
    first.hold("secure.2", Head(9, b"b" * 32))
    first.close()
    second = AnchorFile(path)
    second.hold("secure.2", Head(10, b"c" * 32))
    second.hold("secure.3", Head(1_234_567_890, b"d" * 32))
    second.close()
    assert read_anchors(path) == {
        "secure.1": Head(3, b"a" * 32),
        "secure.2": Head(10, b"c" * 32),
        "secure.3": Head(1_234_567_890, b"d" * 32),
    }
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    with pytest.raises(ValueError, match="damaged"):
        read_anchors(path)


def test_a_disk_that_is_full_does_not_undo_a_commit(tmp_path: Path) -> None:
    anchor = AnchorFile(tmp_path / "audit-heads")
    anchor.close()
    anchor.hold("secure.1", Head(1, b"a" * 32))


def test_heads_in_letters_come_back() -> None:
    digest = bytes(range(32))
    assert from_letters(in_letters(digest)) == digest
    assert not any(letter.isdigit() for letter in in_letters(digest))
    with pytest.raises(ValueError, match="64 letters"):
        from_letters("abc" * 2)
