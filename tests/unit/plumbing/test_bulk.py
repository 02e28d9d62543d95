"""Rows in bulk: the same as one by one, whatever their number, with their keys told apart."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    select,
)
from sqlalchemy.exc import IntegrityError
from tests.databases import blank_url

from tonevault.plumbing.bulk import add_absent, add_rows, put_newest
from tonevault.plumbing.sql import Database, UtcTime

METADATA = MetaData()
CARD = Table(
    "bulk_card",
    METADATA,
    Column("account_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("large", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("digest", LargeBinary, nullable=True),
    UniqueConstraint("account_id", "digest"),
)
START = datetime(2027, 3, 1, tzinfo=UTC)
KEY = ("account_id", "number")


@pytest.fixture
def database(every_database: object, tmp_path: Path) -> Iterator[Database]:
    made = Database(blank_url(tmp_path))
    made.transact_now(METADATA.create_all)
    yield made
    made.close_now()


def row(
    number: int, digest: bytes | None = None, account: str = "acme, 'quoted' {x} \"y\" NULL \\"
) -> dict[str, Any]:
    return {
        "account_id": account[:32],
        "number": number,
        "large": 2**53 + number,
        "at": START + timedelta(microseconds=number),
        "digest": digest,
    }


@pytest.mark.parametrize("count", [1, 2, 3, 63, 64, 65, 200])
def test_rows_come_back_as_they_went_in(database: Database, count: int) -> None:
    rows = [row(number, bytes([number % 256, 0, 255]) * 5 if number % 2 else None) for number in range(count)]
    rows = [
        each | {"digest": each["digest"] and each["digest"] + str(each["number"]).encode()} for each in rows
    ]
    database.transact_now(lambda c: add_rows(c, CARD, rows))
    found = database.read_now(lambda c: c.execute(select(CARD).order_by(CARD.c.number)).all())
    assert [dict(each._mapping) for each in found] == rows


def test_taken_keys_are_passed_over_and_told(database: Database) -> None:
    database.transact_now(lambda c: add_rows(c, CARD, [row(1, b"a"), row(2, b"b")]))
    rows = [
        row(3, b"b"),
        row(4, b"d"),
        row(5, b"d"),
        *(row(number) for number in range(10, 90)),
        row(6, b"a"),
    ]
    added = database.transact_now(lambda c: add_absent(c, CARD, rows, KEY))
    assert {number for _, number in added} == {4, *range(10, 90)}
    numbers = database.read_now(lambda c: sorted(c.execute(select(CARD.c.number)).scalars()))
    assert numbers == [1, 2, 4, *range(10, 90)]


def test_a_taken_key_is_an_error_where_nothing_may_stand(database: Database) -> None:
    with pytest.raises(IntegrityError):
        database.transact_now(lambda c: add_rows(c, CARD, [row(1), row(2), row(1)]))
    assert database.read_now(lambda c: c.execute(select(CARD)).all()) == []


def test_the_newest_of_each_key_stands(database: Database) -> None:
    def newer(number: int, large: int) -> dict[str, Any]:
        return row(number, b"%d of %d" % (large, number)) | {"large": large}

    database.transact_now(lambda c: add_rows(c, CARD, [newer(1, 5), newer(2, 5), newer(3, 5)]))
    rows = [newer(3, 4), newer(2, 6), newer(2, 7), newer(2, 6), newer(1, 5), newer(4, 1)]
    many = [newer(number, 1) for number in range(200, 10, -1)]
    database.transact_now(lambda c: put_newest(c, CARD, [*rows, *many], KEY, "large"))
    found = database.read_now(lambda c: c.execute(select(CARD).order_by(CARD.c.number)).all())
    assert [dict(each._mapping) for each in found] == [
        newer(1, 5),
        newer(2, 7),
        newer(3, 5),
        newer(4, 1),
        *reversed(many),
    ]


def test_no_rows_are_no_statement(database: Database) -> None:
    database.transact_now(lambda c: add_rows(c, CARD, []))
    assert database.transact_now(lambda c: add_absent(c, CARD, [], KEY)) == set()
    database.transact_now(lambda c: put_newest(c, CARD, [], KEY, "large"))
