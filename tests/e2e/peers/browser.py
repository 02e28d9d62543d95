"""A real browser for the tests: Debian's headless Chromium, driven by Playwright, watched for errors and for traffic."""

import re
from pathlib import Path
from typing import Self

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, Response, sync_playwright

from tests.e2e.peers.browser_traffic import BrowserTraffic
from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.masking import masked

CHROMIUM_PATH = Path("/usr/bin/chromium")

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_ACTION_TIMEOUT_MS = 5_000

# Desktop and phone: the panel is used at a desk, the checkout on a phone first (SPEC.md section 7).
DESKTOP = (1280, 860)
PHONE = (390, 844)


class Browser:
    """One browser with its own fresh profile: one person's cookies. Close it before `asyncio.run` is used again.

    Playwright's blocking interface keeps an event loop in the thread that started it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        size: tuple[int, int] = DESKTOP,
        dark: bool = False,
        base_url: str | None = None,
        locale: str = "en-GB",
        javascript: bool = True,
    ) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._size, self._dark, self._base_url = size, dark, base_url
        self._locale, self._javascript = locale, javascript
        self._playwright: Playwright | None = None
        self._context: BrowserContext | None = None
        self._errors: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self._screenshots = 0
        self.traffic = BrowserTraffic(folder / "traffic.har", folder / "profile")

    def start(self) -> Self:
        if not CHROMIUM_PATH.exists():
            raise PeerError(f"{CHROMIUM_PATH} is not installed: run scripts/install-peers")
        self._playwright = sync_playwright().start()
        try:
            self._context = self._playwright.chromium.launch_persistent_context(
                self.traffic.profile_path,
                executable_path=CHROMIUM_PATH,
                args=list(_ARGUMENTS),
                headless=True,
                viewport={"width": self._size[0], "height": self._size[1]},
                color_scheme="dark" if self._dark else "light",
                base_url=self._base_url,
                locale=self._locale,
                java_script_enabled=self._javascript,
                ignore_https_errors=True,
                record_har_path=self.traffic.har_path,
                record_har_content="embed",
            )
        except BaseException:
            self._playwright.stop()
            self._playwright = None
            raise
        self._context.set_default_timeout(_ACTION_TIMEOUT_MS)
        self._context.on("page", self._watch)
        for page in self._context.pages:
            self._watch(page)
        return self

    @property
    def context(self) -> BrowserContext:
        if self._context is None:
            raise RuntimeError("the browser was not started")
        return self._context

    @property
    def page(self) -> Page:
        """The first tab."""
        return self.context.pages[0]

    def new_page(self) -> Page:
        """Another tab of the same person."""
        return self.context.new_page()

    def screenshot(self, name: str, page: Page | None = None, *, whole: bool = False) -> Path:
        """Saves what a tab shows as PNG in the browser's folder; `whole` takes in what is below the fold."""
        self._screenshots += 1
        path = self._folder / f"{self._screenshots:02d}-{name}.png"
        (page or self.page).screenshot(path=path, full_page=whole, animations="disabled")
        return path

    # -- errors ----------------------------------------------------------------------------------------------

    def expect_error(self, pattern: str) -> None:
        """From now on a console error that matches is part of the test, such as the 401 of a wrong password."""
        self._expected.append(re.compile(pattern))

    def errors(self) -> list[str]:
        """Console errors, uncaught exceptions and server errors that no `expect_error` covers."""
        return [one for one in self._errors if not any(pattern.search(one) for pattern in self._expected)]

    def require_clean(self) -> None:
        """Fails when there was any unexpected error; the fixture calls it at the end of each test."""
        errors = self.errors()
        if errors:
            raise PeerError(masked("the browser reported errors:\n" + "\n".join(errors)))

    # -- the end ---------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Takes a last look at every page and at the storage, then ends the browser. `traffic` is complete then."""
        context, self._context = self._context, None
        try:
            if context is not None:
                for page in context.pages:
                    self.traffic.add_page(page)
                self.traffic.add_context(context)
        finally:
            if context is not None:
                context.close()
            if self._playwright is not None:
                self._playwright.stop()
                self._playwright = None

    def _watch(self, page: Page) -> None:
        self.traffic.watch(page)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self._errors.append(f"uncaught: {error}"))
        page.on("crash", lambda crashed: self._errors.append(f"crashed: {crashed.url}"))
        page.on("response", self._note_response)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _note_response(self, response: Response) -> None:
        if response.status >= 500:
            self._errors.append(f"status {response.status} from {response.url}")
