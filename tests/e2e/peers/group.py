"""The peers of one test: started as the test asks for them, all ended with it, their masked logs kept for its report."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.e2e.peers.baresip import Baresip, PhoneSettings
from tests.e2e.peers.browser import Browser
from tests.e2e.peers.kamailio import Kamailio
from tests.e2e.peers.linphone import Linphone
from tests.e2e.peers.ports import PortBlock, claim_block
from tests.e2e.peers.rtp_endpoint import RtpEndpoint
from tests.e2e.peers.sipp import SippCallee, SippCaller, SippSettings
from tests.e2e.peers.wav import Sound
from tests.e2e.peers.wire_tap import WireTap


class PeerGroup:
    """Starts peers in folders below the test's own; `close` ends them in reverse order, even if some of them fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ending = ExitStack()
        self._logged: list[Baresip | Kamailio | Linphone | SippCaller | SippCallee] = []
        self._browsers: list[Browser] = []

    def phone(
        self, user: str, settings: PhoneSettings | None = None, *, source: Sound | None = None
    ) -> Baresip:
        """A baresip phone, started."""
        phone = Baresip(user, self._fresh(user), settings)
        self._ending.callback(phone.stop)
        self._logged.append(phone)
        return phone.start(source)

    def linphone(self, user: str) -> Linphone:
        """A linphone, started."""
        phone = Linphone(user, self._fresh(f"linphone-{user}"))
        self._ending.callback(phone.stop)
        self._logged.append(phone)
        return phone.start()

    def proxy(self, edge: str) -> Kamailio:
        """A Kamailio in front of the edge at this SIP URI, started."""
        proxy = Kamailio(self._fresh("kamailio"))
        self._ending.callback(proxy.stop)
        self._logged.append(proxy)
        return proxy.start(edge)

    def caller(self, settings: SippSettings | None = None) -> SippCaller:
        """A sipp that will make one call, when it is told to `dial`."""
        caller = SippCaller(self._fresh("sipp-caller"), settings)
        self._ending.callback(caller.stop)
        self._logged.append(caller)
        return caller

    def callee(self, settings: SippSettings | None = None, *, block: PortBlock | None = None) -> SippCallee:
        """A sipp that listens for one call, on ports of its own or on those of a block."""
        callee = SippCallee(self._fresh("sipp-callee"), settings, block)
        self._ending.callback(callee.stop)
        self._logged.append(callee)
        return callee.start()

    def sound_of(
        self, agent: SippCaller | SippCallee, *, payload_type: int = 0, seed: int = 1
    ) -> RtpEndpoint:
        """The RTP side of a sipp call, bound to the port that its SDP names; not sending before its `start`."""
        endpoint = RtpEndpoint(agent.audio_port, payload_type, seed=seed)
        self._ending.callback(endpoint.stop)
        return endpoint

    def browser(self, name: str = "browser", **options: Any) -> Browser:
        """A Chromium, started; its unexpected console errors fail the test when it ends."""
        browser = Browser(self._fresh(name), **options)
        self._browsers.append(browser)
        self._ending.callback(browser.close)
        return browser.start()

    def wire(self) -> WireTap:
        """A capture of the loopback interface, begun."""
        tap = WireTap().start()
        self._ending.callback(tap.stop)
        return tap

    def ports(self) -> PortBlock:
        """A block of free ports for what the test itself starts, held until the test ends."""
        block = claim_block()
        self._ending.callback(block.release)
        return block

    def logs(self) -> list[tuple[str, str]]:
        """Each SIP peer's name and the masked end of its log."""
        return [(peer.name, peer.masked_log()) for peer in self._logged]

    def close(self) -> None:
        """Ends every peer; the first failure to end is raised after all of them have been ended."""
        self._ending.close()
        for browser in self._browsers:
            browser.require_clean()

    def _fresh(self, name: str) -> Path:
        """A folder of its own for each peer, also for two of the same name."""
        for attempt in range(100):
            folder = self.folder / (name if attempt == 0 else f"{name}-{attempt + 1}")
            if not folder.exists():
                folder.mkdir(parents=True)
                return folder
        raise RuntimeError("a hundred peers of one name")
