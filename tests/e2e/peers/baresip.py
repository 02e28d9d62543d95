"""A real SIP phone for the tests: Debian's baresip, started privately, driven by its control port, heard by its WAVs."""

import socket
from pathlib import Path

from tests.e2e.peers.baresip_config import (
    TAIL_S,
    Answer,
    PhonePorts,
    PhoneSettings,
    Transport,
    write_configuration,
)
from tests.e2e.peers.baresip_control import ControlConnection, PhoneEvent
from tests.e2e.peers.certificate import make_certificate
from tests.e2e.peers.ports import LOOPBACK, PortBlock, claim_block
from tests.e2e.peers.process import PeerProcess
from tests.e2e.peers.sip_message import SipMessage, first_message, parse_baresip_trace
from tests.e2e.peers.wav import Sound, load, noise

__all__ = ["Answer", "Baresip", "PhoneSettings", "Transport"]

_START_TIMEOUT_S = 5.0
_EVENT_TIMEOUT_S = 5.0

# baresip's own names of the events that the methods wait for.
ESTABLISHED = "CALL_ESTABLISHED"
INCOMING = "CALL_INCOMING"
RINGING = "CALL_RINGING"
CLOSED = "CALL_CLOSED"
REMOTE_SDP = "CALL_REMOTE_SDP"
FIRST_RTP = "CALL_RTPESTAB"
KEY_DOWN = "CALL_DTMF_START"
KEY_UP = "CALL_DTMF_END"

# What releases a held key in baresip's keyboard interface (KEYCODE_REL).
_RELEASE = b"\x04"

# A room with nobody speaking, so that a recording shows that the line is open.
_ROOM_LEVEL_DBM0 = -60.0
_ROOM_S = 2.0


class Baresip:
    """One phone. Start it with `start`, end it with `stop`; every method fails loudly and never sleeps blindly."""

    def __init__(self, user: str, folder: Path, settings: PhoneSettings | None = None) -> None:
        self.user = user
        self.settings = settings or PhoneSettings()
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._block: PortBlock = claim_block()
        self.ports = PhonePorts(self._block)
        self._sources = 0
        self._process: PeerProcess | None = None
        self._control: ControlConnection | None = None

    # -- life ------------------------------------------------------------------------------------------------

    def start(self, source: Sound | None = None) -> "Baresip":
        """Starts the program and waits until its control port answers. `source` is what it says from the first
        packet of every call on; without it a quiet room.
        """
        certificate_path = None
        if self.settings.transport is Transport.TLS:
            certificate_path = make_certificate(self._folder, self.user).both_path
        first = self._save_source(source or noise(_ROOM_S, _ROOM_LEVEL_DBM0))
        write_configuration(
            self._folder,
            self.user,
            self.ports,
            self.settings,
            source=first,
            certificate_path=certificate_path,
        )
        self._process = PeerProcess(f"baresip-{self.user}", ["baresip", "-f", ".", "-s"], self._folder)
        self._control = self._process.wait_until("control port", self._connect, _START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Ends the phone, whatever state it is in; a running call gets its BYE when the phone can still send one."""
        if self._process is not None:
            self._process.stop()
        if self._control is not None:
            self._control.close()
        self._block.release()

    # -- where it is -----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return f"baresip-{self.user}"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def sip_port(self) -> int:
        """The port that its transport listens on."""
        return self.ports.tls if self.settings.transport is Transport.TLS else self.ports.sip

    @property
    def uri(self) -> str:
        """Where it can be called."""
        return f"sip:{self.user}@{LOOPBACK}:{self.sip_port};transport={self.settings.transport}"

    @property
    def rtp_ports(self) -> range:
        """Its RTP arrives on these ports and on no others: what to look for on the wire."""
        return self._block.rtp_ports

    # -- calls -----------------------------------------------------------------------------------------------

    def dial(self, uri: str, *, wait: bool = True, timeout_s: float = _EVENT_TIMEOUT_S) -> None:
        """Calls a URI over the phone's transport; with `wait` until the call is up and sound arrives.

        baresip 1.0.0 has no way to add headers of one's own to a call: use Sipp for those.
        """
        target = uri if "transport=" in uri else f"{uri};transport={self.settings.transport}"
        self._command("dial", target)
        if wait:
            self.wait_for(ESTABLISHED, timeout_s)
            self.wait_for(FIRST_RTP, timeout_s)

    def answer(self) -> None:
        """Answers the ringing call (with Answer.BY_HAND) and waits until it is up."""
        self._command("accept")
        self.wait_for(ESTABLISHED)

    def reject(self) -> None:
        """Refuses the ringing call with 486."""
        self._command("hangup")

    def hangup(self) -> None:
        """Ends the call: BYE, or CANCEL while it still rings."""
        self._command("hangup")
        self.wait_for(CLOSED)

    def wait_ended(self) -> None:
        """Until the call is over."""
        self.wait_for(CLOSED)

    def reset(self) -> None:
        """Ends every call, whether or not the other end answers; then forgets its events and is silent, as at the start."""
        log = self._controlled().events

        def count(kind: str) -> int:
            return sum(event.kind == kind for event in log.all)

        for _ in range(count(ESTABLISHED)):
            # Without a call this does nothing.
            self._command("hangup")
        if not log.wait_until(lambda: count(CLOSED) >= count(ESTABLISHED), _EVENT_TIMEOUT_S):
            raise self._running().failure("a call did not end")
        log.forget()
        self.play(noise(_ROOM_S, _ROOM_LEVEL_DBM0))

    def hold(self) -> None:
        """Re-INVITEs with a=sendonly (or inactive) and waits for the answer. The source stops meanwhile."""
        self._renegotiate("hold")

    def resume(self) -> None:
        """Re-INVITEs with a=sendrecv and waits for the answer. The source begins again with the one of `start`."""
        self._renegotiate("resume")

    def reinvite(self) -> None:
        """Re-INVITEs with unchanged media and waits for the answer."""
        self._renegotiate("reinvite")

    def transfer(self, uri: str) -> None:
        """Sends REFER for a blind transfer; the phone does not hang up by itself when the NOTIFYs come."""
        self._command("transfer", uri)

    # -- keys ------------------------------------------------------------------------------------------------

    def send_keys(self, keys: str) -> None:
        """Queues RFC 4733 events; the phone sends each for 160 ms with 80 ms between, so a key takes 240 ms."""
        self._command("sndcode", keys)

    def press(self, key: str) -> None:
        """Holds one key down until `release`: for presses of any length and for quick hands."""
        self._type(key.encode("ascii"))

    def release(self) -> None:
        """Lets the pressed key go."""
        self._type(_RELEASE)

    def keys_received(self) -> str:
        """The keys that reached this phone as telephone-events or as SIP INFO, in order."""
        return "".join(event.detail for event in self.events if event.kind == KEY_DOWN)

    # -- sound -----------------------------------------------------------------------------------------------

    def play(self, sound: Sound) -> None:
        """Says a sound at once, in the running call and in later ones, then is silent: speech, audible keys."""
        self._command("ausrc", f"aufile,{self._save_source(sound)}")

    def recordings(self) -> list[Path]:
        """The WAV of what each call heard, oldest first. The names have whole seconds: of two calls that begin
        within one second only the later is kept."""
        return sorted(self._folder.glob("dump-*-dec.wav"))

    def recording(self) -> Sound:
        """What the latest call has heard so far: the audio of every packet that came, without gaps between."""
        found = self.recordings()
        if not found:
            raise self._running().failure("has recorded nothing")
        return load(found[-1])

    def wait_heard(self, length_s: float, timeout_s: float) -> Sound:
        """The recording of the latest call, once it is at least this long."""

        def long_enough() -> Sound | None:
            sound = load(self.recordings()[-1]) if self.recordings() else None
            return sound if sound is not None and sound.length_s >= length_s else None

        return self._running().wait_until(f"{length_s:g} s of sound", long_enough, timeout_s)

    # -- what happened ---------------------------------------------------------------------------------------

    @property
    def events(self) -> list[PhoneEvent]:
        return self._controlled().events.all

    def wait_for(self, kind: str | tuple[str, ...], timeout_s: float = _EVENT_TIMEOUT_S) -> PhoneEvent:
        """The next event of a kind (or of one of several), each returned once, so events that came before the wait are not missed."""
        event = self._controlled().events.wait_for(kind, timeout_s)
        if event is None:
            raise self._running().failure(f"no event {kind} within {timeout_s:g} s")
        return event

    def messages(self) -> list[SipMessage]:
        """Every SIP message sent or received, decrypted."""
        return parse_baresip_trace(self._running().log(), range(self.ports.sip, self.ports.tls + 1))

    def wait_message(self, method: str, *, status: int | None = None, sent: bool = False) -> SipMessage:
        """The first request of a method (with a status: the first such response), as soon as it is in the trace."""
        return self._running().wait_until(
            f"{method} message",
            lambda: first_message(self.messages(), method, status=status, sent=sent),
            _EVENT_TIMEOUT_S,
        )

    def masked_log(self) -> str:
        return self._running().masked_log() if self._process else ""

    # -- inside ----------------------------------------------------------------------------------------------

    def _connect(self) -> ControlConnection | None:
        if "baresip is ready." not in self._running().log():
            return None
        try:
            return ControlConnection(self.ports.control)
        except OSError:
            return None

    def _running(self) -> PeerProcess:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def _controlled(self) -> ControlConnection:
        if self._control is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._control

    def _command(self, name: str, parameters: str | None = None) -> str:
        return self._controlled().command(name, parameters)

    def _renegotiate(self, command: str) -> None:
        """The answer to a re-INVITE shows as an event only by its SDP, whose parameter is then "answer"."""
        before = sum(event.kind == REMOTE_SDP for event in self.events)
        self._command(command)

        def answered() -> bool | None:
            return True if sum(event.kind == REMOTE_SDP for event in self.events) > before else None

        self._running().wait_until(f"answer to {command}", answered, _EVENT_TIMEOUT_S)

    def _type(self, keystroke: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as keyboard:
            keyboard.sendto(keystroke, (LOOPBACK, self.ports.keyboard))

    def _save_source(self, sound: Sound) -> str:
        """Saves a source with a silent tail that takes no room on the disk; returns its name in the folder."""
        self._sources += 1
        rate_hz = self.settings.source_rate_hz
        path = sound.save(self._folder / f"source-{self._sources}.wav", rate_hz)
        tail_bytes = round(TAIL_S * rate_hz) * 2
        size = path.stat().st_size + tail_bytes
        with path.open("r+b") as file:
            file.truncate(size)
            file.seek(4)
            file.write((size - 8).to_bytes(4, "little"))
            file.seek(40)
            file.write((size - 44).to_bytes(4, "little"))
        return path.name
