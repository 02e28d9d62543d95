"""Entering acts: with the transaction or not at all, in whole chains, whoever writes and however many at once."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from tests.unit.cde.audit.logs import START, Log, entry

from tonevault.cde.audit.chain import Chains
from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import MAX_DETAIL, MAX_DETAILS, Action, Entry, link
from tonevault.cde.schema import AUDIT_CHAIN, AUDIT_ENTRY
from tonevault.plumbing.sql import Database


def count(log: Log) -> int:
    return log.database.read_now(
        lambda c: c.execute(select(func.count()).select_from(AUDIT_ENTRY)).scalar_one()
    )


def test_an_entry_says_who_did_what_to_what_and_when(log: Log) -> None:
    log.enter([7])
    row = log.database.read_now(lambda c: c.execute(select(AUDIT_ENTRY)).one())
    assert (row.account_id, row.actor, row.action, row.subject) == ("acme", "secure", "card_drawn", "tok_7")
    assert (row.number, row.at.microsecond) == (1, 7)
    assert row.detail == '{"charge":"ch_7","gateway":"simulator"}'


def test_what_is_rolled_back_is_not_entered(log: Log) -> None:
    def fails(connection: object) -> None:
        raise LookupError("on purpose")

    def work(connection: object) -> None:
        entry(connection, 1)  # type: ignore[arg-type]
        fails(connection)

    with pytest.raises(LookupError):
        log.database.transact_now(work)
    log.enter([2])
    assert count(log) == 1
    assert log.check().broken == []


def test_many_at_once_make_whole_chains_and_the_anchor_holds_their_heads(log: Log) -> None:
    async def play() -> None:
        works = (log.database.transact(lambda c, n=n: entry(c, n)) for n in range(200))  # type: ignore[misc]
        await asyncio.gather(*works)

    asyncio.run(play())
    verdict = log.check()
    assert (verdict.entries, verdict.broken) == (200, [])
    heads = log.database.read_now(lambda c: c.execute(select(AUDIT_CHAIN)).all())
    assert {row.chain: (row.number, row.digest) for row in heads} == {
        chain: (head.number, head.digest) for chain, head in log.anchor.heads.items()
    }
    assert sum(row.number for row in heads) == 200


def test_another_process_of_the_node_writes_on_the_same_chains(log: Log) -> None:
    """As `tonevault keys` does while the product serves: what each remembers of a head may be old."""
    other = Database(log.database.url)
    other.at_commit(Chains("secure"))
    for number in range(12):
        database = other if number % 3 == 0 else log.database
        database.transact_now(lambda c, number=number: entry(c, number))  # type: ignore[misc]
    other.close_now()
    verdict = log.check()
    assert (verdict.entries, verdict.broken) == (12, [])


def test_two_nodes_have_chains_of_their_own(log: Log) -> None:
    other = Database(log.database.url)
    other.at_commit(Chains("second"))
    log.enter([1, 2])
    other.transact_now(lambda c: entry(c, 3))
    other.close_now()
    chains = log.database.read_now(lambda c: c.execute(select(AUDIT_CHAIN.c.chain)).scalars().all())
    assert {chain.partition(".")[0] for chain in chains} == {"secure", "second"}
    assert log.check().broken == []


def test_entries_outside_a_transaction_are_refused(log: Log) -> None:
    with pytest.raises(RuntimeError, match="transact"):
        log.database.read_now(lambda c: entry(c, 1))


def test_details_are_bounded_and_not_repeated_in_the_error() -> None:
    long = "4242" * MAX_DETAIL
    with pytest.raises(ValueError, match="detail: key") as refusal:
        Entry("acme", START, "", Action.KEY_MADE, "x", {"key": long})
    assert "4242" not in str(refusal.value)
    with pytest.raises(ValueError, match="detail"):
        Entry("acme", START, "", Action.KEY_MADE, "x", {str(n): "" for n in range(MAX_DETAILS + 1)})


def test_no_two_entries_digest_alike() -> None:
    def digest(**changed: str) -> bytes:
        parts = {"account": "a", "actor": "b", "action": "c", "subject": "d", "detail": "{}"} | changed
        return link(bytes(32), "chain", 1, at_us=5, **parts)

    assert digest() == digest()
    variants = [digest(account="ab", actor=""), digest(actor="bc", action=""), digest(detail="{} "), digest()]
    assert len(set(variants)) == 4
    assert (
        link(b"x" * 32, "chain", 1, at_us=5, account="a", actor="b", action="c", subject="d", detail="{}")
        != digest()
    )


def test_times_keep_their_microseconds(log: Log) -> None:
    at = datetime(1969, 12, 31, 23, 59, 59, 250_001, tzinfo=UTC)
    log.database.transact_now(lambda c: record(c, Action.KEY_MADE, at=at, subject="k"))
    assert log.check().broken == []
