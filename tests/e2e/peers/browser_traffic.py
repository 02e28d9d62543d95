"""Everything that a browser sent, received, kept and showed: what a canary search reads."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page

# Files of a Chromium profile that hold the browser's own data (dictionaries, safe-browsing lists, shaders).
_NOT_OF_THE_SITE = (
    "Safe Browsing",
    "ShaderCache",
    "GrShaderCache",
    "GraphiteDawnCache",
    "component_crx_cache",
)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A piece of evidence: where it was found, and its bytes."""

    where: str
    content: bytes

    def __repr__(self) -> str:
        return f"Exhibit({self.where}, {len(self.content)} bytes)"


@dataclass(slots=True)
class BrowserTraffic:
    """Collects while the browser runs; HTTP bodies come from the HAR that Playwright writes when it closes."""

    har_path: Path
    profile_path: Path
    _exhibits: list[Exhibit] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Listens to what a HAR does not hold: server-sent events, web sockets and the chunks of open streams."""
        session: CDPSession = page.context.new_cdp_session(page)
        session.send("Network.enable")
        for event in ("eventSourceMessageReceived", "webSocketFrameReceived", "webSocketFrameSent"):
            session.on(f"Network.{event}", lambda message, kind=event: self._add_message(kind, message))
        page.on("console", lambda message: self.add("console", message.text.encode()))

    def add(self, where: str, content: bytes) -> None:
        self._exhibits.append(Exhibit(where, content))

    def add_page(self, page: Page) -> None:
        """What a page shows now and what its origin keeps in the browser."""
        self.add(f"document of {page.url}", page.content().encode())
        script = (
            "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, window.name])"
        )
        self.add(f"storage of {page.url}", str(page.evaluate(script)).encode())

    def add_context(self, context: BrowserContext) -> None:
        """The cookies and the storage of every origin."""
        self.add("cookies", json.dumps(context.cookies()).encode())
        self.add("storage state", json.dumps(context.storage_state()).encode())

    def server_sent_events(self) -> list[str]:
        """The data of every server-sent event that any page got."""
        return [one.content.decode() for one in self._exhibits if one.where == "eventSourceMessageReceived"]

    def exhibits(self) -> Iterator[Exhibit]:
        """All of it. Complete only after the browser was closed, when the HAR and the profile are on the disk."""
        yield from self._exhibits
        if self.har_path.exists():
            yield from _har_exhibits(json.loads(self.har_path.read_text(encoding="utf-8")))
        for path in sorted(self.profile_path.rglob("*")):
            if path.is_file() and not any(part in _NOT_OF_THE_SITE for part in path.parts):
                yield Exhibit(f"profile file {path.relative_to(self.profile_path)}", path.read_bytes())

    def _add_message(self, kind: str, message: dict[str, Any]) -> None:
        content = message.get("data")
        if content is None:
            content = message.get("response", {}).get("payloadData", "")
        self.add(kind, str(content).encode())


def _har_exhibits(har: dict[str, Any]) -> Iterator[Exhibit]:
    for entry in har["log"]["entries"]:
        request, response = entry["request"], entry["response"]
        where = f"{request['method']} {request['url']}"
        yield Exhibit(f"request {where}", json.dumps([request["url"], request["headers"]]).encode())
        if "postData" in request:
            yield Exhibit(f"request body of {where}", request["postData"].get("text", "").encode())
        yield Exhibit(f"response headers of {where}", json.dumps(response["headers"]).encode())
        content = response["content"]
        text = content.get("text", "")
        body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
        yield Exhibit(f"response body of {where}", body)
