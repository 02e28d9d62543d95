"""Plays with others' telephones and a real browser: SIPp keys by INFO, and an agent takes cards in the panel between two baresips."""

from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect

from tests.boundary.canary.cards import AMEX, MASTERCARD, POSTED, VISA
from tests.boundary.canary.stage import EXPIRY, AgentLeg, CanaryStage
from tests.e2e.house import House, Json
from tests.e2e.house_plan import RouteTo
from tests.e2e.peers.baresip import CLOSED, Baresip
from tests.e2e.peers.browser import Browser
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.sipp import InfoType, SippSettings
from tests.e2e.peers.wav import keyed, silence

SIPP: Final = "sipp"
"""The name of the agent's line that SIPp calls."""
PANEL: Final = "panel"
PANEL_NUMBER: Final = "442079461099"
REFUSED: Final = r"status of 4\d\d|Response Status Error Code 4\d\d"
LEFT: Final = r"^\[object Event\] "
"""What Chromium and htmx write of a refusal that the play asks for, and of a page with an open stream that is left."""
_PATIENCE_MS: Final = 15_000
_REACTION_S: Final = 0.1


def keys_by_sipp(house: House, stage: CanaryStage, peers: PeerGroup) -> None:
    """A charge keyed as `application/dtmf`; a second number as `application/dtmf-relay`, in the midst of which SIPp hangs up."""
    caller = peers.caller(SippSettings())
    caller.dial(stage.number_of(SIPP), house.ports.sip)
    stage.search_leg(SIPP, stage.newest_call(SIPP))
    peers.sound_of(caller).start(caller.remote_audio_port())
    house.start_session(_call_on(house, SIPP)["id"], 1500)
    for field, value in (
        ("card_number", MASTERCARD.number),
        ("expiry", EXPIRY),
        ("security_code", MASTERCARD.code),
    ):
        house.capture(field)
        caller.keys(f"{value}#", InfoType.DTMF)
        house.wait_field(field)
    assert house.complete()["state"] == "succeeded"
    house.start_session(_call_on(house, SIPP)["id"])
    house.capture("card_number")
    caller.keys(AMEX.number[:13], InfoType.DTMF_RELAY)
    house.wait_dots("card_number", 13)
    caller.hangup()
    house.wait_session("canceled")


class PanelPlay:
    """An agent at the panel, on a call between two baresips. `route` leads to the agent's phone."""

    def __init__(self, peers: PeerGroup) -> None:
        self._peers = peers
        # baresip plays the keys as audible tones; SIPp and the softphones know the other carriers.
        self._agent = peers.phone("agent")
        self._customer = peers.phone("customer")
        self.route = RouteTo(self._agent.uri, PANEL, PANEL_NUMBER)
        self.leg = AgentLeg(PANEL, tuple(self._agent.rtp_ports))
        self.browser: Browser | None = None

    def recordings(self) -> list[Path]:
        """What the agent's phone recorded."""
        return self._agent.recordings()

    def act(self, house: House) -> None:
        """A number typed into a text field is refused; a wrong one is captured again; a charge; a second card, canceled."""
        self.browser = self._peers.browser()
        try:
            self._act(house, self.browser)
        finally:
            # In the thread that opened it, which alone may touch it.
            self.browser.close()
        self._customer.hangup()
        self._agent.wait_for(CLOSED)

    def _act(self, house: House, browser: Browser) -> None:
        browser.expect_error(REFUSED)
        browser.expect_error(LEFT)
        page = browser.page
        page.set_default_timeout(_PATIENCE_MS)
        self._customer.dial(house.sip_uri(user=PANEL_NUMBER))
        house.open_panel(browser, asks_account=True)
        page.click(f"#open-{_call_on(house, PANEL)['id']}")
        _wait(page, "#link-state", "Connected")
        page.fill("#amount", "12.50")
        page.fill("#reference", POSTED.number)
        page.click("#start")
        _wait(page, "#reference-error", "card number")
        page.fill("#reference", "Invoice 1042")
        page.click("#start")
        _key(page, self._customer, "card_number", VISA.mistyped, "failed")
        for field, value in (("card_number", VISA.number), ("expiry", EXPIRY), ("security_code", VISA.code)):
            _key(page, self._customer, field, value)
        browser.screenshot("captured")
        page.click("#complete")
        _wait(page, ".banner", "Card securely vaulted")
        page.click("#start")
        _key(page, self._customer, "security_code", AMEX.code)
        _open(page, "card_number")
        self._customer.play(silence(_REACTION_S).then(keyed(AMEX.number[:6], 0.06, 0.06)))
        _wait(page, "#field-card_number .dots", "●" * 6)
        page.click("#cancel")
        _wait(page, ".banner", "ancel")


def _key(page: Page, customer: Baresip, field: str, value: str, state: str = "captured") -> None:
    """Capture a field in the panel; the customer keys it by audible tones."""
    _open(page, field)
    customer.play(silence(_REACTION_S).then(keyed(f"{value}#", 0.06, 0.06)))
    expect(page.locator(f"#field-{field}.{state}")).to_be_visible(timeout=_PATIENCE_MS)


def _open(page: Page, field: str) -> None:
    page.click(f"#capture-{field}")
    expect(page.locator(f"#field-{field}.capturing")).to_be_visible(timeout=_PATIENCE_MS)


def _wait(page: Page, selector: str, text: str) -> None:
    expect(page.locator(selector)).to_contain_text(text, timeout=_PATIENCE_MS)


def _call_on(house: House, route: str) -> Json:
    def look() -> Json | None:
        found = (one for one in house.live_calls() if one["route"] == route and one["state"] == "answered")
        return next(found, None)

    return house.wait(f"call on {route}", look)
