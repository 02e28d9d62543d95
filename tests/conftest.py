"""What every test may ask for: `every_database` runs it on each kind of database."""

from collections.abc import Iterator

import pytest

from tests.databases import Kind, chosen, on, stop_server


@pytest.fixture(params=chosen(), ids=str)
def every_database(request: pytest.FixtureRequest) -> Iterator[Kind]:
    with on(request.param):
        yield request.param


def pytest_sessionfinish() -> None:
    stop_server()
