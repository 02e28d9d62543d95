"""What every test may ask for: `every_database` runs it on each kind of database."""

from collections.abc import Iterator

import pytest

from tests.databases import Kind, chosen, on, stop_server
from tests.two_workers import TwoWorkers, is_whole_product


@pytest.fixture(params=chosen(), ids=str)
def every_database(request: pytest.FixtureRequest) -> Iterator[Kind]:
    with on(request.param):
        yield request.param


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: the whole product's tests, which on two workers all run on one."""
    items.sort(key=lambda item: not is_whole_product(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> TwoWorkers:
    """For `pytest -n 2`."""
    return TwoWorkers(config, log)


def pytest_sessionfinish() -> None:
    stop_server()
