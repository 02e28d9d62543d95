"""Fixtures of the whole-system tests: peers and houses, and their masked logs in the report of a test that failed."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House
from tests.e2e.house_calls import CallStage
from tests.e2e.peers.group import PeerGroup


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[PeerGroup]:
    """Starts real peers for one test. A peer that cannot be started is a failure, never a reason to skip."""
    group = PeerGroup(tmp_path / "peers")
    try:
        yield group
    finally:
        group.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A deployment of its own for one test, not yet started: its `start` takes where the calls go."""
    house = House(tmp_path / "house")
    try:
        yield house
    finally:
        house.stop()


@pytest.fixture(scope="module")
def module_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallStage]:
    """A house with phones that the tests of one module share, started at its first use."""
    stage = CallStage(tmp_path_factory.mktemp("stage"))
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture
def stage(module_stage: CallStage, peers: PeerGroup) -> Iterator[CallStage]:
    """The module's stage; whatever calls a test leaves behind are over before its own peers end."""
    try:
        yield module_stage
    finally:
        module_stage.end_calls()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what the peers and the house logged, digits masked, to the report of a test that failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        logs = dict(one for value in item.funcargs.values() for one in _logs(value))
        report.sections += [(f"log of {name}, digits masked", log) for name, log in logs.items()]
    return report


def _logs(value: object) -> list[tuple[str, str]]:
    match value:
        case PeerGroup():
            return value.logs()
        case House():
            return [("serve", value.masked_log())]
        case CallStage():
            return [*value.peers.logs(), ("serve", value.house.masked_log())]
        case _:
            return []
