"""The main job as people do it: an agent at the panel in Chromium, a customer who keys on a real phone, and the agent's own phone."""

from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.e2e.house_calls import CARD, CallStage, StagedCall
from tests.e2e.peers import listen
from tests.e2e.peers.baresip import Transport
from tests.e2e.peers.group import PeerGroup

# docs/test-cards.md: declined, not enough money.
POOR_CARD = {**CARD, "card_number": "4000000000009995"}


@dataclass
class Desk:
    """The agent's hands and eyes, and the customer whom the agent asks for the card."""

    page: Page
    call: StagedCall

    def start(self, amount: str) -> None:
        self.page.fill("#amount", amount)
        self.page.click("#start")

    def take(self, field: str, value: str, becomes: str = "captured") -> None:
        """Capture beside a field; the customer keys the value; the field becomes green, or red."""
        self.page.click(f"#capture-{field}")
        self.page.locator(f"#field-{field}.capturing").wait_for()
        self.call.customer_reacts()
        self.call.key_by_tones(f"{value}#")
        self.page.locator(f"#field-{field}.{becomes}").wait_for()

    def take_card(self, card: dict[str, str]) -> None:
        for field, value in card.items():
            self.take(field, value)

    def complete(self) -> None:
        self.page.click("#complete")

    def sees(self, what: str, *words: str) -> None:
        for each in words:
            expect(self.page.locator(what)).to_contain_text(each)

    def token(self) -> str:
        return self.page.locator(".result").get_by_text("tok_").inner_text()


def test_one_call_with_a_mistake_a_decline_a_cancel_and_a_known_card(
    stage: CallStage, peers: PeerGroup
) -> None:
    call = stage.call()
    browser = peers.browser()
    stage.house.open_panel(browser)
    page = browser.page
    page.click(".call")
    expect(page.locator("#link-state")).to_have_text("Connected")
    desk, heard_from_s = Desk(page, call), call.heard_so_far_s()

    desk.start("12.50")
    desk.take("card_number", "5555555555554443", becomes="failed")
    desk.sees("#field-card_number", "Invalid card number", "Re-capture")
    desk.take_card(CARD)
    desk.sees("#field-card_number", "**** **** **** 4444")
    desk.complete()
    desk.sees(".banner.good", "Card securely vaulted")
    desk.sees(".result", "Mastercard", "4444", "Charged", "12.50 GBP")
    token = desk.token()

    desk.start("99.00")
    desk.take_card(POOR_CARD)
    desk.complete()
    desk.sees(".banner.warn", "payment declined", "Not enough money on the card")

    desk.start("5")
    desk.take("card_number", CARD["card_number"])
    page.click("#cancel")
    desk.sees(".banner.warn", "Canceled")

    desk.start("")
    desk.take_card(CARD)
    desk.complete()
    desk.sees(".banner.good", "Card securely vaulted", "known already")
    assert desk.token() == token

    house = stage.house
    charges = house.get("/v1/charges")["data"]
    assert [(one["amount"], one["state"]) for one in charges] == [(9900, "declined"), (1250, "succeeded")]
    assert {one["id"] for one in house.get("/v1/tokens")["data"]} == {token, charges[0]["token"]}
    heard = call.agent.wait_heard(call.heard_so_far_s() + 0.5, 5.0).between(heard_from_s, 1e6)
    assert listen.key_fragments(heard) == []
    call.hang_up()
    desk.sees("#call-ended", "The customer hung up")


def test_two_captures_at_once_do_not_mix(stage: CallStage) -> None:
    house = stage.house
    calls = [stage.call(transport) for transport in (Transport.UDP, Transport.TCP)]
    cards = [CARD, POOR_CARD]
    sessions = [house.start_session(call.id, 100)["id"] for call in calls]
    for field in CARD:
        for call, session, card in zip(calls, sessions, cards, strict=True):
            house.session_id = session
            house.capture(field)
            call.customer_reacts()
            call.key_by_tones(f"{card[field]}#")
        for session in sessions:
            house.session_id = session
            house.wait_field(field)
    ends = []
    for session in sessions:
        house.session_id = session
        ends.append(house.complete())
    assert [one["token"]["card"]["last4"] for one in ends] == ["4444", "9995"]
    assert [one["state"] for one in ends] == ["succeeded", "declined"]
