"""How the panel stands on every screen: nothing moves under a finger, what matters is in sight, and no page is wider than its window."""

import pytest
from playwright.sync_api import expect

from tests.e2e.panel_agent import KEYED, SILENT, Agent
from tests.e2e.peers.browser import DESKTOP, PHONE

NARROW = (320, 640)
"""WCAG 2.2, 1.4.10: a page at 400 % on a usual screen."""


@pytest.mark.parametrize("size", [DESKTOP, PHONE, NARROW])
def test_nothing_moves_under_a_finger(agent: Agent, size: tuple[int, int]) -> None:
    """Where a button was a moment ago there is no other one: what comes by itself has its place, or comes below."""
    page, call = agent.page, agent.take()
    page.set_viewport_size({"width": size[0], "height": size[1]})

    def places() -> dict[str, float]:
        buttons = page.locator("#stage button:not(#complete)").all()
        return {
            one.get_attribute("id") or "": one.evaluate("e => e.getBoundingClientRect().y + scrollY")
            for one in buttons
        }

    agent.start("12.50", "Invoice 1042")
    before = places()
    assert {"capture-card_number", "capture-security_code", "cancel", "hush"} <= before.keys()
    agent.key(call, "card_number", "4242")
    expect(page.locator("#field-card_number .dots")).to_have_text("●" * 4)
    assert places() == before
    agent.zone.hush_by_noise(call.call_id)
    expect(page.locator("#hush-notice")).to_contain_text("noisy")
    expect(page.locator("#hush")).to_have_attribute("aria-pressed", "false")
    assert places() == before
    agent.zone.press(call.call_id, "1#")
    expect(agent.field("card_number", ".failed")).to_be_visible()
    assert places() == before
    agent.key_card(call)
    expect(page.locator("#complete")).to_be_visible()
    assert places() == before
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})


def test_an_alert_is_in_view_wherever_the_page_stands(agent: Agent) -> None:
    agent.allow(SILENT)
    page = agent.page
    agent.take()
    page.set_viewport_size({"width": PHONE[0], "height": 420})
    agent.start("5")
    cancel = page.locator("#cancel").evaluate("e => e.getBoundingClientRect().y + scrollY")
    for place in (0, 10_000):
        page.evaluate("place => scrollTo(0, place)", place)
        agent.zone.unreachable = True
        expect(page.locator("#zone .alert")).to_be_in_viewport(ratio=1)
        assert page.locator("#cancel").evaluate("e => e.getBoundingClientRect().y + scrollY") == cancel
        agent.zone.unreachable = False
        expect(page.locator("#zone .alert")).to_have_count(0)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})


def test_dark_and_on_a_narrow_screen(agent: Agent) -> None:
    page = agent.page
    agent.desk.add_customer("Maria Alexandra " + "Hohensteinfeatherstonehaugh" * 2, "+441632960077")
    call = agent.take(caller="+441632960077")
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(238, 242, 245)", "rgb(15, 22, 28)"]
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    widths = (PHONE[0], NARROW[0])
    agent.start("12.50", "a" * 100)
    agent.key(call, "card_number", "4" * 18)
    expect(page.locator("#field-card_number .dots")).to_have_text("●" * 18)
    for each in widths:
        page.set_viewport_size({"width": each, "height": 800})
        assert agent.width() == (each, each)
    agent.zone.press(call.call_id, "*4242424242424242#")
    agent.key_card(call, KEYED[1:])
    page.click("#complete")
    agent.banner("Card securely vaulted")
    for each in widths:
        page.set_viewport_size({"width": each, "height": 800})
        assert agent.width() == (each, each)
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
