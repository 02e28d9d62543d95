"""Fixtures of the whole-system tests: peers and houses, and their masked logs in the report of a test that failed."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House
from tests.e2e.peers.group import PeerGroup

_GROUP = pytest.StashKey[PeerGroup]()
_HOUSE = pytest.StashKey[House]()


@pytest.fixture
def peers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PeerGroup]:
    """Starts real peers for one test. A peer that cannot be started is a failure, never a reason to skip."""
    group = PeerGroup(tmp_path / "peers")
    request.node.stash[_GROUP] = group
    try:
        yield group
    finally:
        group.close()


@pytest.fixture
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A deployment of its own for one test, not yet started: its `start` takes where the calls go."""
    house = House(tmp_path / "house")
    request.node.stash[_HOUSE] = house
    try:
        yield house
    finally:
        house.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what the peers and the house logged, digits masked, to the report of a test that failed."""
    report = yield
    if report.failed:
        group, house = item.stash.get(_GROUP, None), item.stash.get(_HOUSE, None)
        logs = group.logs() if group is not None else []
        if house is not None:
            logs.append(("serve", house.masked_log()))
        report.sections += [(f"log of {name}, digits masked", log) for name, log in logs]
    return report
