"""rtpengine under measurement: Debian's daemon in user space, asked over its ng protocol in JSON. It refuses SRTP, which it would only pass
through between two phones that both have it."""

import asyncio
import json
import shutil
import socket
import subprocess
from typing import Any

import psutil
from benchmarks.relays.contender import HOST, Keys, Used

FIRST_PORT, LAST_PORT = 36000, 49999
READY_TRIES = 400
DELAY_BUFFER_MS = 60
"""Below 60 ms its mask was heard to leak whole milliseconds of keys even from clean audio."""
SDP = """v=0\r
o=- 1 1 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio {port} RTP/AVP 0 101\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:101 telephone-event/8000\r
a=sendrecv\r
a=ptime:20\r
"""
EVENT_LINE = "a=rtpmap:101 telephone-event/8000\r\n"
"""Where both phones take telephone-events, the daemon was heard to let tones pass whatever it was told."""


class RtpengineError(Exception):
    """It is not here, does not start, or refuses what it was asked."""


class Rtpengine:
    """`threads` relay threads; CPU is measured over the whole process, whatever they share."""

    name = "rtpengine"

    def __init__(self, *, detects: bool = False, threads: int = 1, events: bool = True) -> None:
        self._detects = detects
        self._sdp = SDP if events else SDP.replace(" 101\r", "\r").replace(EVENT_LINE, "")
        self._threads = threads
        self._calls: list[str] = []
        self._asked = 0
        self._daemon: subprocess.Popen[bytes]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((HOST, 0))
            self._control_port = int(free.getsockname()[1])
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control.settimeout(2.0)

    async def start(self) -> None:
        """See Contender."""
        program = shutil.which("rtpengine")
        if program is None:
            raise RtpengineError("rtpengine is not here; run scripts/install-bench-peers")
        # The machine's own settings open ports of a fixed number, for consoles, of which a second daemon would find none.
        command = [
            program,
            "--config-file=none",
            "--foreground",
            "--log-stderr",
            "--log-level=3",
            "--table=-1",
        ]
        command += [f"--interface={HOST}", f"--listen-ng={HOST}:{self._control_port}"]
        command += [f"--port-min={FIRST_PORT}", f"--port-max={LAST_PORT}", f"--num-threads={self._threads}"]
        command += ["--endpoint-learning=immediate", "--media-num-threads=1"]
        quiet = subprocess.DEVNULL
        self._daemon = await asyncio.to_thread(
            subprocess.Popen, command, stdin=quiet, stdout=quiet, stderr=quiet
        )
        self._process = psutil.Process(self._daemon.pid)
        for _ in range(READY_TRIES):
            try:
                self._ask({"command": "ping"})
            except (TimeoutError, ConnectionRefusedError):
                await asyncio.sleep(0.05)
            else:
                return
        raise RtpengineError("rtpengine does not answer its control port")

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        # The daemon takes a cookie that it has seen for a request sent again, and only repeats its answer.
        self._asked += 1
        cookie = f"{self._asked}-{request['command'].replace(' ', '-')}"
        self._control.connect((HOST, self._control_port))
        self._control.send(f"{cookie} {json.dumps(request)}".encode())
        while True:
            came, _, answer = self._control.recv(65536).decode().partition(" ")
            if came == cookie:
                break
        told: dict[str, Any] = json.loads(answer)
        if told.get("result") not in ("ok", "pong"):
            raise RtpengineError(f"rtpengine refuses {request['command']}: {told.get('error-reason')}")
        return told

    async def open(self, customer_port: int, agent_port: int, keys: Keys | None) -> tuple[int, int]:
        """See Contender."""
        if keys is not None:
            raise RtpengineError("SRTP is not measured here")
        call = f"call-{len(self._calls)}"
        self._calls.append(call)
        common: dict[str, Any] = {"call-id": call, "from-tag": "customer", "ICE": "remove"}
        common["replace"] = ["origin", "session-connection"]
        if self._detects:
            common["flags"] = ["detect DTMF"]
        offered = self._ask(common | {"command": "offer", "sdp": self._sdp.format(port=customer_port)})
        answer = {"command": "answer", "to-tag": "agent", "sdp": self._sdp.format(port=agent_port)}
        answered = self._ask(common | answer)
        return _port(answered["sdp"]), _port(offered["sdp"])

    async def mask(self) -> None:
        """See Contender: the customer's keys become silence behind a delay long enough to find them in."""
        for call in self._calls:
            self._ask(
                {
                    "command": "block DTMF",
                    "call-id": call,
                    "from-tag": "customer",
                    "DTMF-security": "silence",
                    "delay-buffer": DELAY_BUFFER_MS,
                }
            )

    def processes(self) -> list[psutil.Process]:
        """See Contender."""
        return [self._process]

    def used(self) -> Used:
        """See Contender."""
        times = self._process.cpu_times()
        return Used(times.user + times.system, self._process.memory_info().rss)

    async def stop(self) -> None:
        """See Contender."""
        self._control.close()
        self._daemon.terminate()
        await asyncio.to_thread(self._daemon.wait)


def _port(sdp: str) -> int:
    line = next(each for each in sdp.splitlines() if each.startswith("m=audio "))
    return int(line.split()[1])
