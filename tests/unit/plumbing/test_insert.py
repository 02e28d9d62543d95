"""Inserting unless a key is taken: the same statement on both databases."""

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, UniqueConstraint, create_engine, select
from sqlalchemy.exc import IntegrityError

from tonevault.plumbing.insert import insert_if_absent

THING = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Integer),
    Column("must", Integer, nullable=False),
    UniqueConstraint("name"),
)


def test_a_taken_key_of_either_kind_leaves_the_row_that_stands() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THING.metadata.create_all(connection)
        assert insert_if_absent(connection, THING, {"id": 1, "name": 5, "must": 0})
        assert not insert_if_absent(connection, THING, {"id": 1, "name": 6, "must": 1})
        assert not insert_if_absent(connection, THING, {"id": 2, "name": 5, "must": 1})
        assert insert_if_absent(connection, THING, {"id": 3, "name": None, "must": 1})
        assert insert_if_absent(connection, THING, {"id": 4, "name": None, "must": 1})
        assert connection.execute(select(THING.c.must).where(THING.c.id == 1)).scalar_one() == 0
        with pytest.raises(IntegrityError):
            insert_if_absent(connection, THING, {"id": 5, "name": 9, "must": None})
    engine.dispose()
