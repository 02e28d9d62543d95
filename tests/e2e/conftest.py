"""Fixtures of the whole-system tests: peers and houses, and their masked logs in the report of a test that failed."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House
from tests.e2e.house_calls import CallStage
from tests.e2e.panel_agent import Agent
from tests.e2e.panel_desk import PanelDesk
from tests.e2e.peers.browser import Browser
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.ports import claim_block
from tonevault.boundary.charges import ChargeState


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


@pytest.fixture(scope="module")
def panel_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelDesk]:
    """The panel on a real port, shared by the tests of one module."""
    block = claim_block()
    desk = PanelDesk(tmp_path_factory.mktemp("panel") / "desk", block.port(0))
    desk.start()
    yield desk
    desk.stop()
    block.release()


@pytest.fixture(scope="module")
def panel_browser(panel_desk: PanelDesk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests, logged in by a link; each test has a tab of its own."""
    browser = Browser(tmp_path_factory.mktemp("browser"), base_url=panel_desk.base_url).start()
    try:
        browser.page.goto(panel_desk.log_in_link())
        browser.page.wait_for_url("**/panel")
        browser.page.close()
        yield browser
    finally:
        browser.close()


@pytest.fixture
def agent(panel_desk: PanelDesk, panel_browser: Browser) -> Iterator[Agent]:
    """An agent in a tab of its own, whose console shows no error but those that the test allows."""
    before = len(panel_browser.errors())
    agent = Agent(panel_desk, panel_browser, panel_browser.new_page())
    yield agent
    agent.page.close()
    panel_desk.zone.ledger.next_charge = (ChargeState.SUCCEEDED, None)
    panel_desk.zone.tokenization_fails = False
    errors = panel_browser.errors()[before:]
    assert [each for each in errors if not any(re.search(one, each) for one in agent.allowed)] == []


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
