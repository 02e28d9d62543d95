"""A SIP agent for the tests: Debian's sipp, told step by step what to do with its call.

SIPp does the signalling and only that: where sound is wanted its SDP names the port of an `RtpEndpoint`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.ports import LOOPBACK, PortBlock, claim_block
from tests.e2e.peers.process import PeerProcess
from tests.e2e.peers.sip_message import SipMessage, first_message, parse_sipp_trace
from tests.e2e.peers.sipp_control import SippControl, SippEvent
from tests.e2e.peers.sipp_scenario import write_scenario

_START_TIMEOUT_S = 5.0
_EVENT_TIMEOUT_S = 5.0
_END_TIMEOUT_S = 5.0

# SIPp itself gives up after this time, so that a forgotten one cannot run on.
_LIFE_S = 170

DEFAULT_AUDIO = (
    "0 8 101",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-15",
    "a=ptime:20",
)


class SippTransport(StrEnum):
    """How SIP travels; Debian's build has no TLS. The value is SIPp's `-t`: one socket for everything."""

    UDP = "u1"
    TCP = "t1"


class InfoType(StrEnum):
    """The two MIME types in which a key travels in SIP INFO; the value is the verb of the scenario."""

    DTMF_RELAY = "relay"
    DTMF = "dtmf"


@dataclass(frozen=True, slots=True)
class SippSettings:
    """The choices of a test. `audio` is the payload types of the m line followed by the lines below it;
    `headers` are added to the caller's INVITE or to the callee's 200; `refusal` is the status of `reject`."""

    transport: SippTransport = SippTransport.UDP
    user: str = "sipp"
    display_name: str = "SIPp"
    headers: Mapping[str, str] = field(default_factory=dict)
    audio: tuple[str, ...] = DEFAULT_AUDIO
    audio_port: int | None = None
    refusal: int = 486


class _Sipp:
    """What the caller and the callee have in common: the process, the call's commands, and the trace."""

    def __init__(
        self, scenario: str, folder: Path, settings: SippSettings, block: PortBlock | None = None
    ) -> None:
        self.settings = settings
        self.name = f"sipp-{scenario}-{settings.user}"
        self._scenario = scenario
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._owns_block = block is None
        self._block: PortBlock = block or claim_block()
        self._control = SippControl(self._block.port(2))
        self._process: PeerProcess | None = None

    @property
    def sip_port(self) -> int:
        return self._block.port(0)

    @property
    def rtp_ports(self) -> range:
        """The ports kept for this agent's sound: an RtpEndpoint may listen on one of them."""
        return self._block.rtp_ports

    @property
    def audio_port(self) -> int:
        """The port its SDP names."""
        return self.settings.audio_port or self.rtp_ports.start

    @property
    def uri(self) -> str:
        parameter = ";transport=tcp" if self.settings.transport is SippTransport.TCP else ""
        return f"sip:{self.settings.user}@{LOOPBACK}:{self.sip_port}{parameter}"

    # -- what it does in a call ------------------------------------------------------------------------------

    def key(self, key: str, info_type: InfoType = InfoType.DTMF_RELAY, duration_ms: int = 160) -> int:
        """Sends one key as SIP INFO and returns the status of the answer."""
        self._control.command(info_type, key=key, duration=str(duration_ms))
        return int(self.wait_for("info").detail)

    def keys(self, keys: Iterable[str], info_type: InfoType = InfoType.DTMF_RELAY) -> list[int]:
        """Sends keys as SIP INFO, each after the answer to the one before; returns their statuses."""
        return [self.key(key, info_type) for key in keys]

    def hold(self) -> int:
        """Re-INVITEs with a=sendonly and returns the status of the answer."""
        self._control.command("hold")
        return int(self.wait_for("reinvite").detail)

    def resume(self) -> int:
        """Re-INVITEs with a=sendrecv and returns the status of the answer."""
        self._control.command("resume")
        return int(self.wait_for("reinvite").detail)

    def refer(self, uri: str) -> int:
        """Sends REFER and returns the status of the answer; the NOTIFYs that follow are in `messages`."""
        self._control.command("refer", target=uri)
        return int(self.wait_for("refer").detail)

    def hangup(self) -> None:
        """Sends BYE and waits for its answer."""
        self._control.command("bye")
        self.wait_for("closed")

    # -- what happened ---------------------------------------------------------------------------------------

    @property
    def events(self) -> list[SippEvent]:
        return self._control.events.all

    def wait_for(self, *kinds: str, timeout_s: float = _EVENT_TIMEOUT_S) -> SippEvent:
        """The next event of one of the kinds, each returned once: dialling, ringing, incoming, established,
        refused, cancelled, info, reinvite, refer, reinvited, referred, closed. After the other side's re-INVITE
        wait for `reinvited` before the next command, which SIPp would otherwise take for unexpected.
        """
        event = self._control.events.wait_for(kinds, timeout_s)
        if event is None:
            raise self._running().failure(
                f"no event {' or '.join(kinds)} within {timeout_s:g} s\n{self._errors()}"
            )
        return event

    def messages(self) -> list[SipMessage]:
        """Every SIP message sent or received so far."""
        path = self._folder / "messages.log"
        return parse_sipp_trace(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else []

    def wait_message(self, method: str, *, status: int | None = None, sent: bool = False) -> SipMessage:
        """The first request of a method (with a status: the first such response), as soon as it is in the trace."""
        return self._running().wait_until(
            f"{method} message",
            lambda: first_message(self.messages(), method, status=status, sent=sent),
            _EVENT_TIMEOUT_S,
        )

    def remote_audio_port(self) -> int:
        """Where the other side wants its sound, by its latest SDP."""
        bodies = [one.body for one in self.messages() if not one.sent and "m=audio " in one.body]
        if not bodies:
            raise self._running().failure("has got no SDP")
        return int(bodies[-1].partition("m=audio ")[2].split(" ", 1)[0])

    def wait_ended(self, timeout_s: float = _END_TIMEOUT_S) -> int:
        """SIPp's exit code: 0 when the call went as the scenario says, 1 when anything unexpected came."""
        return self._running().wait(timeout_s)

    def masked_log(self) -> str:
        return self._errors()

    def stop(self) -> None:
        """Ends SIPp at once; it does not hang up by itself."""
        if self._process is not None:
            self._process.kill()
        self._control.close()
        if self._owns_block:
            self._block.release()

    # -- inside ----------------------------------------------------------------------------------------------

    def _start(self, *arguments: str) -> None:
        scenario = write_scenario(self._scenario, self._folder, self.settings.refusal)
        extra = "".join(f"\r\n{name}: {value}" for name, value in self.settings.headers.items())
        payload_types, *lines = self.settings.audio
        media = "\r\n".join([f"m=audio {self.audio_port} RTP/AVP {payload_types}", *lines])
        command = [
            "sipp",
            *arguments,
            "-sf",
            str(scenario),
            "-m",
            "1",
            "-nostdin",
            "-aa",
            "-t",
            self.settings.transport,
        ]
        command += ["-i", LOOPBACK, "-p", str(self.sip_port), "-3pcc", f"{LOOPBACK}:{self._block.port(2)}"]
        command += [
            "-cp",
            str(self._block.port(3)),
            "-mp",
            str(self._block.port(4)),
            "-timeout",
            f"{_LIFE_S}s",
        ]
        command += ["-trace_msg", "-message_file", "messages.log", "-trace_err", "-error_file", "errors.log"]
        for keyword, value in {
            "own_user": self.settings.user,
            "own_name": self.settings.display_name,
            "extra_headers": extra,
            "sdp_media": media,
        }.items():
            command += ["-key", keyword, value]
        self._process = PeerProcess(self.name, command, self._folder)

    def _running(self) -> PeerProcess:
        if self._process is None:
            raise PeerError(f"{self.name} was not started")
        return self._process

    def _errors(self) -> str:
        return self._running().masked_text(self._folder / "errors.log") if self._process else ""


class SippCaller(_Sipp):
    """A caller. `dial` starts it; one object makes one call."""

    def __init__(self, folder: Path, settings: SippSettings | None = None) -> None:
        super().__init__("caller", folder, settings or SippSettings())

    def dial(self, user: str, port: int, *, wait: bool = True) -> Self:
        """Calls sip:user@127.0.0.1:port; with `wait` until the call is up, and a refusal is then a failure."""
        self._start(f"{LOOPBACK}:{port}", "-s", user)
        if wait:
            event = self.wait_for("established", "refused")
            if event.kind != "established":
                raise PeerError(f"{self.name}: the call was refused with {event.detail}")
        return self

    def cancel(self) -> None:
        """Gives up while it rings and waits for the 487."""
        self._control.command("cancel")
        self.wait_for("cancelled")


class SippCallee(_Sipp):
    """A callee for one call. `start` has it listen; it rings until it is told to `answer` or `reject`.

    On a `block` of the test's own, one callee after another can be found at the same address.
    """

    def __init__(
        self, folder: Path, settings: SippSettings | None = None, block: PortBlock | None = None
    ) -> None:
        super().__init__("callee", folder, settings or SippSettings(), block)

    def start(self) -> Self:
        self._start()
        listening = f"{LOOPBACK}:{self.sip_port}"
        self._running().wait_until(f"listener on {listening}", self._listening, _START_TIMEOUT_S)
        return self

    def answer(self) -> None:
        """Waits for the call and answers it."""
        self.wait_for("incoming")
        self._control.command("answer")
        self.wait_for("established")

    def reject(self) -> None:
        """Waits for the call and refuses it with the settings' status."""
        self.wait_for("incoming")
        self._control.command("reject")
        self.wait_for("refused")

    def _listening(self) -> bool | None:
        """Whether the kernel lists the port as open: state 07 for UDP, 0A for a TCP socket that listens."""
        udp = self.settings.transport is SippTransport.UDP
        table = Path("/proc/net/udp" if udp else "/proc/net/tcp").read_text(encoding="ascii")
        for _, address, _, state, *_ in (line.split() for line in table.splitlines()[1:]):
            if address.endswith(f":{self.sip_port:04X}") and state == ("07" if udp else "0A"):
                return True
        return None
