"""`tonevault demo` as a newcomer meets it: both pages in real Chromium, real calls, and what the agent heard.

With PICTURES_DIR=docs/images the same run refreshes the screenshots of the README.
"""

import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.peers.browser import Browser
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.listen import beeps_heard, key_fragments, keys_heard
from tests.e2e.peers.process import PeerProcess
from tests.e2e.peers.wav import load
from tonevault.cde.wire.tone.beep import BEEP_HZ

PICTURES: Final = os.environ.get("PICTURES_DIR")
START_S: Final = 60.0
KEYED_MS: Final = 20_000
FIELDS: Final = ("card_number", "expiry", "security_code")


@dataclass(frozen=True)
class Demo:
    """The running demo: its process and its two addresses."""

    process: PeerProcess
    panel: str
    phone: str


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    tonevault = str(Path(sys.executable).parent / "tonevault")
    process = PeerProcess("demo", [tonevault, "demo", "--port", "0"], tmp_path)
    try:
        yield process.wait_until("its two addresses", lambda: addresses(process), START_S)
    finally:
        process.stop()


def addresses(process: PeerProcess) -> Demo | None:
    found = re.findall(r"(?:panel|phone) +(http://\S+)", process.log())
    return Demo(process, found[0], found[1]) if len(found) == 2 else None


def picture(browser: Browser, name: str, page: Page) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", animations="disabled")
    else:
        browser.screenshot(name, page)


def capture(panel: Page, field: str) -> None:
    panel.click(f"#capture-{field}")
    expect(panel.locator(f"#field-{field}")).to_have_class(re.compile("captured"), timeout=KEYED_MS)


def start(panel: Page, amount: str) -> None:
    panel.fill("#amount", amount)
    panel.fill("#reference", "Invoice 1042")
    panel.click("#start")


def choose_card(phone: Page, last4: str) -> None:
    titles = phone.locator("#card option").all_inner_texts()
    phone.select_option("#card", label=next(title for title in titles if title.endswith(last4)))


def test_a_newcomer_sees_the_whole_of_it(demo: Demo, peers: PeerGroup, tmp_path: Path) -> None:
    assert "[warning" not in demo.process.log(), "nothing is wrong, and a newcomer would think that it is"
    browser = peers.browser("newcomer", size=(1200, 760))
    panel, phone = browser.page, browser.new_page()
    phone.goto(demo.phone)
    expect(phone.locator("#card option").first).to_be_attached()
    panel.goto(demo.panel)
    panel.click(".call")
    picture(browser, "start", panel)

    # A card is captured, and charged.
    start(panel, "12.50")
    panel.click("#capture-card_number")
    expect(panel.locator("#field-card_number .dots")).to_have_text(re.compile("●{9,}"), timeout=KEYED_MS)
    picture(browser, "awaiting-input", panel)
    picture(browser, "customers-phone", phone)
    expect(panel.locator("#field-card_number .masked")).to_have_text("**** **** **** 4242", timeout=KEYED_MS)
    capture(panel, "expiry")
    expect(panel.locator("#complete")).to_have_count(0)
    capture(panel, "security_code")
    picture(browser, "captured", panel)
    panel.click("#complete")
    expect(panel.locator(".banner-title")).to_contain_text("Card securely vaulted")
    expect(panel.locator(".result")).to_contain_text("tok_")
    expect(panel.locator(".result")).to_contain_text("Charged: 12.50 GBP")
    picture(browser, "vaulted", panel)

    # A wrong number is captured again; the second card of the call is declined, by audible tones.
    choose_card(phone, "9995")
    phone.check("#mistype")
    phone.select_option("#carrier", "tone")
    start(panel, "99")
    panel.click("#capture-card_number")
    expect(panel.locator("#field-card_number .error")).to_have_text("Invalid card number", timeout=KEYED_MS)
    picture(browser, "invalid", panel)
    for field in FIELDS:
        capture(panel, field)
    panel.click("#complete")
    expect(panel.locator(".banner-title")).to_contain_text("declined")
    expect(panel.locator(".result")).to_contain_text("tok_")
    picture(browser, "declined", panel)

    # A third is canceled in the middle of keying.
    start(panel, "5")
    panel.click("#capture-card_number")
    expect(panel.locator("#field-card_number .dots")).to_have_text(re.compile("●{3,}"), timeout=KEYED_MS)
    panel.click("#cancel")
    expect(panel.locator(".banner-title")).to_contain_text("Canceled")
    expect(panel.locator("#start")).to_be_visible()
    panel.emulate_media(color_scheme="dark")
    picture(browser, "dark", panel)

    # What the agent heard: beeps, and no key.
    with phone.expect_download() as download:
        phone.click("#wav")
    heard_at = tmp_path / "heard.wav"
    download.value.save_as(heard_at)
    heard = load(heard_at)
    assert keys_heard(heard) == []
    beeps = beeps_heard(heard, BEEP_HZ)
    assert len(beeps) >= 2 * (17 + 5 + 4)
    # Speech has moments that resemble a key; from the first beep on there is none, so not even a fragment is excused.
    assert key_fragments(heard.between(beeps[0].start_s - 0.2, heard.length_s)) == []
    phone.click("#hang-up")
    expect(panel.locator(".call")).to_have_count(0)
    browser.require_clean()

    # The pages outlive the demo, and say that they have lost it.
    browser.expect_error("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|object Event")
    demo.process.signal(signal.SIGINT)
    assert demo.process.wait(START_S) == 0
    assert "Traceback" not in demo.process.log()


def test_a_port_that_is_taken_is_named(demo: Demo, tmp_path: Path) -> None:
    port = re.search(r":(\d+)/", demo.panel)
    assert port is not None
    tonevault = str(Path(sys.executable).parent / "tonevault")
    second = PeerProcess("second", [tonevault, "demo", "--port", port[1]], tmp_path)
    assert second.wait(START_S) == 1
    assert f"port {port[1]} is taken" in second.log()
    assert "--port" in second.log()
    assert "Traceback" not in second.log()
