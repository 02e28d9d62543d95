"""kill -9 of each part of the product in the middle of its work: what is lost is said, nothing stays open, nobody pays twice."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.house import House, Json
from tests.e2e.house_calls import CARD, CallStage, StagedCall
from tests.e2e.house_plan import ACCOUNT
from tests.e2e.peers.baresip import CLOSED
from tests.e2e.peers.group import PeerGroup
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.simulator.posting import Movement
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock

# docs/test-cards.md: approved, after the gateway has thought about it for two and for five seconds.
SLOW_CARD = {**CARD, "card_number": "4000000000002024"}
SLOWER_CARD = {**CARD, "card_number": "4000000000005050"}


@pytest.fixture
def alone(stage: CallStage) -> Iterator[ThreadPoolExecutor]:
    """A thread beside the test's own: for a request that takes long, and for asyncio while a browser is open."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def movements(house: House, threads: ThreadPoolExecutor) -> tuple[Movement, ...]:
    """Every movement of money that the gateway itself remembers."""

    async def read() -> tuple[Movement, ...]:
        gateway = SimulatorGateway(house.data_dir / "secure" / "simulator.db", WallClock())
        try:
            return await gateway.movements(AccountId(ACCOUNT))
        finally:
            await gateway.close()

    return threads.submit(lambda: asyncio.run(read())).result(10)


def take_payment(call: StagedCall, amount: int, card: dict[str, str] = CARD) -> Json:
    """A whole payment on a call: that everything works (again)."""
    call.house.start_session(call.id, amount)
    call.capture_card(call.key_by_tones, card)
    session = call.house.complete()
    assert (session["state"], session["charge"]["state"]) == ("succeeded", "succeeded")
    return session


def open_capture(call: StagedCall, keys: str, amount: int = 1000) -> None:
    """A session in which some keys of the card number have been counted."""
    call.house.start_session(call.id, amount)
    call.house.capture("card_number")
    call.customer_reacts()
    call.key_by_events(keys)
    call.house.wait_dots("card_number", len(keys))


def assert_hung_up(call: StagedCall) -> None:
    """The edge hangs up at its start what it left behind; the phones are free for the next call."""
    for phone in (call.customer, call.agent):
        phone.wait_for(CLOSED)
    call.end()


def assert_nothing_is_open(session: Json) -> None:
    assert [(one["state"], one["dots"], one["masked"]) for one in session["fields"]] == [("idle", 0, "")] * 3
    assert (session["token"], session["charge"]) == (None, None)


def complete_aside(call: StagedCall, threads: ThreadPoolExecutor) -> "Future[httpx.Response]":
    """Presses Complete in another thread, and waits until the gateway has moved the money; it thinks on before it answers."""
    house, before = call.house, len(movements(call.house, threads))
    answer = threads.submit(complete_once, house)
    house.wait("movement", lambda: True if len(movements(house, threads)) > before else None)
    assert house.session()["state"] == "completing"
    return answer


def complete_once(house: House) -> httpx.Response:
    """Complete under an Idempotency-Key that is always the same for one session."""
    return house.api.post(
        f"/v1/sessions/{house.session_id}/complete", headers={"Idempotency-Key": f"once-{house.session_id}"}
    )


def test_the_secure_zone_dies_in_mid_capture(
    stage: CallStage, peers: PeerGroup, alone: ThreadPoolExecutor
) -> None:
    call = stage.call()
    house = call.house
    browser = peers.browser()
    house.open_panel(browser)
    page = browser.page
    page.click(".call")
    expect(page.locator("#link-state")).to_have_text("Connected")
    page.fill("#amount", "10.00")
    page.click("#start")
    page.click("#capture-card_number")
    page.locator("#field-card_number.capturing").wait_for()
    call.customer_reacts()
    call.key_by_events("55555")
    expect(page.locator("#field-card_number .dots")).to_have_text("●●●●●")

    killed = house.kill("secure")
    expect(page.locator("#zone-state")).to_contain_text("The secure zone does not answer")
    call.key_by_events("5555")
    house.wait_again("secure", killed)
    expect(page.locator(".banner.bad")).to_contain_text("Interrupted")
    expect(page.locator(".banner.bad")).to_contain_text("nothing was kept or charged")
    expect(page.locator("#zone-state")).not_to_contain_text("does not answer")
    expect(page.locator(".field.capturing")).to_have_count(0)
    assert call.agent_keys() == ""

    house.session_id = house.get("/v1/sessions")["data"][0]["id"]
    session = house.session()
    assert (session["state"], session["reason"]) == ("failed", "interrupted")
    assert_nothing_is_open(session)
    assert house.call(call.id)["end_reason"] == "interrupted"
    assert movements(house, alone) == ()
    assert_hung_up(call)

    again = stage.call()
    expect(page.locator(".call")).to_have_count(1)
    take_payment(again, 1000)
    assert [one.money.amount_minor for one in movements(house, alone)] == [1000]


def test_the_desk_dies_in_mid_capture(stage: CallStage, peers: PeerGroup, alone: ThreadPoolExecutor) -> None:
    call = stage.call()
    house = call.house
    before = len(movements(house, alone))
    browser = peers.browser()
    browser.expect_error("ERR_CONNECTION_|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE")
    house.open_panel(browser)
    page = browser.page
    open_capture(call, "5555")
    page.click(".call")
    expect(page.locator("#link-state")).to_have_text("Connected")
    expect(page.locator("#field-card_number .dots")).to_have_text("●●●●")

    killed = house.kill("desk")
    call.key_by_events("5555")
    house.wait_again("desk", killed)
    # The page is not loaded again: its stream comes back by itself, with what was keyed meanwhile.
    expect(page.locator("#field-card_number .dots")).to_have_text("●" * 8, timeout=10_000)
    expect(page.locator("#link-state")).to_have_text("Connected")
    call.key_by_events("55554444#")
    expect(page.locator("#field-card_number.captured .masked")).to_have_text("**** **** **** 4444")
    for name in ("expiry", "security_code"):
        page.click(f"#capture-{name}")
        page.locator(f"#field-{name}.capturing").wait_for()
        call.customer_reacts()
        call.key_by_events(f"{CARD[name]}#")
        page.locator(f"#field-{name}.captured").wait_for()
    page.click("#complete")
    expect(page.locator(".banner.good")).to_contain_text("Card securely vaulted")
    assert house.session()["charge"]["state"] == "succeeded"
    assert len(movements(house, alone)) == before + 1


def test_a_relay_worker_dies_in_mid_capture(stage: CallStage, alone: ThreadPoolExecutor) -> None:
    call = stage.call()
    house = call.house
    before = len(movements(house, alone))
    open_capture(call, "5555")
    killed = house.kill("relay")
    call.customer.wait_for(CLOSED)
    call.agent.wait_for(CLOSED)
    session = house.wait_session("canceled")
    assert session["reason"] == "call_ended"
    assert_nothing_is_open(session)
    assert house.wait_call_ended(call.id)["end_reason"] == "media_lost"
    house.wait_again("relay", killed)
    take_payment(stage.call_until_taken(), 700)
    assert len(movements(house, alone)) == before + 1


@pytest.mark.parametrize(("which", "card"), [("secure", SLOWER_CARD), ("desk", SLOW_CARD)])
def test_a_zone_dies_while_the_charge_is_at_the_gateway(
    stage: CallStage, alone: ThreadPoolExecutor, which: str, card: dict[str, str]
) -> None:
    call = stage.call()
    house = call.house
    before = len(movements(house, alone))
    house.start_session(call.id, 1234)
    call.capture_card(call.key_by_tones, card)
    events = house.events()
    answer = complete_aside(call, alone)
    killed = house.kill(which)
    try:
        assert answer.result(20).status_code == httpx.codes.SERVICE_UNAVAILABLE
    except httpx.RemoteProtocolError:
        assert which == "desk"
    house.wait_again(which, killed)
    session = house.wait_session("succeeded")
    assert session["charge"]["state"] == "succeeded"
    assert session["token"]["state"] == "active"
    for kind in ("charge.succeeded", "session.succeeded"):
        events.wait_for(kind)
    told = [
        one.kind
        for one in events.all
        if one.id and one.data["id"] in (session["id"], session["charge"]["id"])
    ]
    assert sorted(told) == sorted(set(told)), "a merchant's program is told once, and misses nothing"
    again = complete_once(house)
    if which == "secure":
        assert (again.status_code, again.json()["state"]) == (httpx.codes.OK, "succeeded")
    else:
        # Another desk might still be at work under this key: for a minute and a half nobody can know.
        assert again.json()["code"] == "idempotency_in_flight"
    assert house.complete()["state"] == "succeeded"
    assert len(movements(house, alone)) == before + 1, "asked again, and not charged again"
    if which == "secure":
        assert_hung_up(call)
        call = stage.call()
    take_payment(call, 500)
    assert len(movements(house, alone)) == before + 2


def test_everything_dies_at_once(stage: CallStage, alone: ThreadPoolExecutor) -> None:
    call = stage.call()
    house = call.house
    before = len(movements(house, alone))
    open_capture(call, "5555")
    house.kill_everything()
    house.serve()
    house.wait_ready()
    session = house.wait_session("failed")
    assert session["reason"] == "interrupted"
    assert_nothing_is_open(session)
    assert_hung_up(call)
    take_payment(stage.call(), 300)
    assert len(movements(house, alone)) == before + 1
