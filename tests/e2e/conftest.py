"""Fixtures of the whole-system tests: the peers of a test, and their masked logs in the report of its failure."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.peers.group import PeerGroup

_GROUP = pytest.StashKey[PeerGroup]()


@pytest.fixture
def peers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PeerGroup]:
    """Starts real peers for one test. A peer that cannot be started is a failure, never a reason to skip."""
    group = PeerGroup(tmp_path / "peers")
    request.node.stash[_GROUP] = group
    try:
        yield group
    finally:
        group.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what the peers logged, digits masked, to the report of a test that failed."""
    report = yield
    group = item.stash.get(_GROUP, None)
    if report.failed and group is not None:
        report.sections += [(f"log of {name}, digits masked", log) for name, log in group.logs()]
    return report
