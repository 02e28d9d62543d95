"""An agent at the panel: one tab of a real browser, what can be done in it, and what a screen reader was told."""

from playwright.sync_api import Locator, Page, expect

from tests.e2e.panel_desk import PanelDesk
from tests.e2e.peers.browser import Browser
from tonevault.boundary.calls import CallView

KEYED = (("card_number", "4242424242424242#"), ("expiry", "1230#"), ("security_code", "123#"))
SECOND_CARD = (("card_number", "5555555555554444#"), *KEYED[1:])
# What Chromium itself writes of an answer that the test asks for.
REFUSED = r"status of 4\d\d|Response Status Error Code 4\d\d"
SILENT = r"status of 503|status 503|Response Status Error Code 503"
GONE = r"ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET"
# What htmx writes when a page with an open stream is left.
LEFT = r"^\[object Event\] "

expect.set_options(timeout=5_000)


class Agent:
    """An agent at the panel, one tab for each test; `allow` names the console errors that the test itself provokes."""

    def __init__(self, desk: PanelDesk, browser: Browser, page: Page) -> None:
        self.desk, self.zone, self.browser, self.page = desk, desk.zone, browser, page
        self.allowed = [LEFT]

    def allow(self, pattern: str) -> None:
        self.allowed.append(pattern)

    def take(self, **caller: str) -> CallView:
        """A call comes, is answered, and is chosen."""
        call = self.desk.live_call(**caller)
        self.page.goto(f"/panel?call={call.call_id}")
        expect(self.page.locator("#link-state")).to_have_text("Connected")
        return call

    def start(self, amount: str = "", reference: str = "") -> None:
        self.page.fill("#amount", amount)
        self.page.fill("#reference", reference)
        self.page.click("#start")
        expect(self.field("card_number")).to_be_visible()

    def field(self, name: str, state: str = "") -> Locator:
        return self.page.locator(f"#field-{name}{state}")

    def key(self, call: CallView, name: str, keys: str) -> None:
        """Capture a field, and let the customer key it."""
        self.page.click(f"#capture-{name}")
        expect(self.field(name, ".capturing")).to_be_visible()
        self.zone.press(call.call_id, keys)

    def key_card(self, call: CallView, keyed: tuple[tuple[str, str], ...] = KEYED) -> None:
        for name, keys in keyed:
            self.key(call, name, keys)
            expect(self.field(name, ".captured")).to_be_visible()

    def complete(self, call: CallView, amount: str = "12.50") -> None:
        self.start(amount, "Invoice 1042")
        self.key_card(call)
        self.page.click("#complete")

    def banner(self, words: str) -> None:
        expect(self.page.locator(".banner")).to_contain_text(words)

    def focused(self) -> str:
        """The id of what has the focus."""
        return str(self.page.evaluate("document.activeElement.id"))

    def heard(self) -> list[str]:
        """What a screen reader was told since `listen`."""
        told: list[str] = self.page.evaluate("window.told")
        return told

    def listen(self) -> None:
        self.page.evaluate(
            """() => {
                window.told = [];
                const place = document.getElementById("announcer");
                new MutationObserver(() => window.told.push(place.textContent))
                    .observe(place, {childList: true, characterData: true, subtree: true});
            }"""
        )

    def let_pass(self, seconds: int) -> None:
        """Put the page's clock forward, as a laptop that has slept does."""
        self.page.evaluate(
            "(ms) => { const now = Date.now; Date.now = () => now() + ms; }",
            seconds * 1000,
        )

    def width(self) -> tuple[int, int]:
        """What the page needs, and what the window has."""
        found = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        return found[0], found[1]
