"""A second make of phone for the tests: Debian's linphone, which speaks TLS and SRTP alone here, driven by its daemon's own socket."""

import contextlib
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.ports import LOOPBACK, claim_block
from tests.e2e.peers.process import PeerProcess
from tests.e2e.peers.wav import noise

_START_TIMEOUT_S = 10.0
_CALL_TIMEOUT_S = 10.0
_ANSWER_TIMEOUT_S = 5.0
_POLL_S = 0.02

# Linphone sends an event for 100 ms; a person takes a little longer from key to key.
_KEY_PACE_S = 0.2

# A room with nobody speaking. Without a sound card linphone says what is set as the music on hold, over and over.
_ROOM_LEVEL_DBM0, _ROOM_S = -60.0, 20.0

_RUNNING = "LinphoneCallStreamsRunning"
_ID = re.compile(r"^Id: ([0-9]+)", re.MULTILINE)
_STATE = re.compile(r"^State: (\w+)", re.MULTILINE)

_CONFIGURATION = """[sip]
sip_port=0
sip_tcp_port=0
sip_tls_port={tls}
bind_address={host}
media_encryption=srtp
media_encryption_mandatory=1
verify_server_certs=0
verify_server_cn=0
use_ipv6=0
use_rfc2833=1
use_info=0
[net]
firewall_policy=1
nat_address={host}
[rtp]
bind_address={host}
audio_rtp_port={rtp}
[sound]
hold_music={room}
"""


class Linphone:
    """One phone with one call at a time. Start it with `start`, end it with `stop`."""

    def __init__(self, user: str, folder: Path) -> None:
        self.name = f"linphone-{user}"
        self._folder = folder
        self._block = claim_block()
        self._call = ""
        # Its socket is made in /tmp under the name that it is given, whatever folder it runs in.
        self._control_path = Path(tempfile.gettempdir()) / f"tv-linphone-{self._block.base}"
        self._process: PeerProcess | None = None
        self._control: socket.socket | None = None

    def start(self) -> Self:
        """Starts the daemon and waits until its socket answers."""
        home = self._folder / ".local" / "share" / "linphone"
        home.mkdir(parents=True, exist_ok=True)
        room = noise(_ROOM_S, _ROOM_LEVEL_DBM0).save(self._folder / "room.wav")
        configuration = self._folder / "linphonerc"
        configuration.write_text(
            _CONFIGURATION.format(
                tls=self._block.port(0), host=LOOPBACK, rtp=self._block.rtp_ports.start, room=room
            )
        )
        self._control_path.unlink(missing_ok=True)
        command = ["env", f"HOME={self._folder}", "linphone-daemon", "--config", str(configuration)]
        command += ["--pipe", self._control_path.name, "--disable-stats-events", "--log", "linphone.log"]
        if shutil.which("linphone-daemon") is None:
            raise PeerError("linphone-daemon is not installed: run scripts/install-peers")
        self._process = PeerProcess(self.name, command, self._folder)
        self._control = self._process.wait_until("control socket", self._connect, _START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Ends the phone, whatever state it is in."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.stop()
        self._control_path.unlink(missing_ok=True)
        self._block.release()

    @property
    def rtp_ports(self) -> range:
        """Its RTP arrives on these ports and on no others."""
        return self._block.rtp_ports

    # -- what it does ----------------------------------------------------------------------------------------

    def dial(self, uri: str, *, wait: bool = True) -> None:
        """Calls a URI; with `wait` until sound runs both ways."""
        found = _ID.search(self._command(f"call {uri}"))
        if found is None:
            raise self._running().failure("could not begin to call")
        self._call = found[1]
        if wait:
            self._wait_state(_RUNNING)

    def send_keys(self, keys: str) -> None:
        """Presses keys one after the other, as RFC 4733 events."""
        for key in keys:
            self._command(f"dtmf {key}")
            time.sleep(_KEY_PACE_S)

    def hold(self) -> None:
        """Re-INVITEs so that the other side hears nothing, and waits for the answer."""
        self._command(f"call-pause {self._call}")
        self._wait_state("LinphoneCallPaused")

    def resume(self) -> None:
        """Re-INVITEs to speak again, and waits for the answer."""
        self._command(f"call-resume {self._call}")
        self._wait_state(_RUNNING)

    def hangup(self) -> None:
        """Ends the call."""
        self._command(f"terminate {self._call}")
        self.wait_ended()

    def reset(self) -> None:
        """Ends the call, if there is one."""
        if self._state() is not None:
            self.hangup()

    def wait_ended(self) -> None:
        """Until there is no call any more."""
        self._wait_state(None)

    def masked_log(self) -> str:
        return self._running().masked_text(self._folder / "linphone.log") if self._process else ""

    # -- inside ----------------------------------------------------------------------------------------------

    def _connect(self) -> socket.socket | None:
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.settimeout(_ANSWER_TIMEOUT_S)
        try:
            control.connect(str(self._control_path))
        except OSError:
            control.close()
            return None
        return control

    def _running(self) -> PeerProcess:
        if self._process is None:
            raise PeerError(f"{self.name} was not started")
        return self._process

    def _command(self, line: str) -> str:
        """One command and its answer, which begins with its status and ends with an empty line."""
        if self._control is None:
            raise PeerError(f"{self.name} was not started")
        answer = ""
        try:
            self._control.sendall(f"{line}\n".encode())
            while not ("Status: " in answer and answer.endswith("\n")):
                received = self._control.recv(65_536).decode()
                if not received:
                    break
                answer += received
        except OSError as error:
            raise self._running().failure(f"its control socket broke ({type(error).__name__})") from None
        return answer

    def _state(self) -> str | None:
        """Of the latest call; None when it is over."""
        if not self._call:
            return None
        found = _STATE.search(self._command(f"call-status {self._call}"))
        return found[1] if found else None

    def _wait_state(self, wanted: str | None) -> None:
        deadline = time.monotonic() + _CALL_TIMEOUT_S
        while (state := self._state()) != wanted:
            if time.monotonic() > deadline:
                raise self._running().failure(f"its call is {state}, not {wanted}")
            with contextlib.suppress(OSError):
                time.sleep(_POLL_S)
