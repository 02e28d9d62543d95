"""Debian's sipp as a crowd: so many calls a second from one process to another, through whatever stands between; each set-up is timed."""

import csv
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.detector import PeerMissingError

HOST: Final = "127.0.0.1"
END_S: Final = 40.0
"""What sipp may take beyond the last call: its own requests time out after 32 s."""

_CALLER: Final = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
  <send retrans="500" start_rtd="1"><![CDATA[
    INVITE sip:442079460000@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
    Max-Forwards: 70
    From: "Customer" <sip:447700900123@[local_ip]:[local_port]>;tag=[pid]a[call_number]
    To: <sip:442079460000@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:447700900123@[local_ip]:[local_port]>
    Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE
    Supported: timer
    User-Agent: load
    P-Asserted-Identity: <sip:447700900123@[local_ip]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=caller 53655765 2353687637 IN IP[local_ip_type] [local_ip]
    s=-
    c=IN IP[media_ip_type] [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0 8 101
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:20
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="1"/>
  <send><![CDATA[
    ACK sip:442079460000@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
    Max-Forwards: 70
    From: "Customer" <sip:447700900123@[local_ip]:[local_port]>;tag=[pid]a[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 1 ACK
    Content-Length: 0

  ]]></send>
  <pause milliseconds="@HOLD@"/>
  <send retrans="500"><![CDATA[
    BYE sip:442079460000@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
    Max-Forwards: 70
    From: "Customer" <sip:447700900123@[local_ip]:[local_port]>;tag=[pid]a[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 2 BYE
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"""

_CALLEE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="callee">
  <recv request="INVITE"/>
  <send><![CDATA[
    SIP/2.0 180 Ringing
    [last_Via:]
    [last_Record-Route:]
    [last_From:]
    [last_To:];tag=[pid]b[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:agent@[local_ip]:[local_port]>
    Content-Length: 0

  ]]></send>
  <send retrans="500"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_Record-Route:]
    [last_From:]
    [last_To:];tag=[pid]b[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:agent@[local_ip]:[local_port]>
    Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=callee 53655765 2353687637 IN IP[local_ip_type] [local_ip]
    s=-
    c=IN IP[media_ip_type] [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0 101
    a=rtpmap:0 PCMU/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:20
  ]]></send>
  <recv request="ACK"/>
  <recv request="BYE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
</scenario>
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the crowd came to. `set_up_ms` is from INVITE to 200 at the caller, of every call that was answered."""

    rate: int
    placed: int
    completed: int
    failed: int
    repeats: int
    """Messages that the crowd had to send again: each waited half a second for an answer."""
    set_up_ms: tuple[float, ...]
    seconds: float

    def percentile(self, share: float) -> float:
        """The set-up time that this share of the calls kept to, in milliseconds."""
        ordered = sorted(self.set_up_ms) or [float("inf")]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class SippCrowd:
    """A callee that answers at once, and callers on demand. `prefix` runs both, such as `taskset -c 1`."""

    def __init__(self, folder: Path, callee_port: int, caller_port: int, prefix: tuple[str, ...]) -> None:
        if shutil.which("sipp") is None:
            raise PeerMissingError("sipp is not installed; run scripts/install-peers")
        self._folder = folder
        self._caller_port = caller_port
        self._prefix = prefix
        scenario = folder / "callee.xml"
        scenario.write_text(_CALLEE)
        self._callee = self._start(
            [
                *("-sf", str(scenario), "-p", str(callee_port), "-mp", "6000"),
                *("-aa", "-default_behaviors", "all"),
            ]
        )

    def place(self, target_port: int, rate: int, seconds: float, hold_ms: int) -> Load:
        """Place calls at this rate for a while, each hung up by its caller after `hold_ms`."""
        scenario = self._folder / "caller.xml"
        scenario.write_text(_CALLER.replace("@HOLD@", str(hold_ms)))
        for old in self._folder.glob("caller_*.csv"):
            old.unlink()
        calls = int(rate * seconds)
        began = time.monotonic()
        caller = self._start(
            [
                *(f"{HOST}:{target_port}", "-sf", str(scenario), "-p", str(self._caller_port), "-mp", "7000"),
                *("-r", str(rate), "-m", str(calls), "-l", str(20 * rate), "-nd"),
                *("-trace_rtt", "-rtt_freq", "1", "-trace_stat", "-fd", "1", "-timer_resol", "1"),
            ]
        )
        try:
            caller.wait(seconds + END_S)
        except subprocess.TimeoutExpired:
            # Calls that were never answered or never ended: its statistics, written every second, count them as not completed.
            caller.kill()
            caller.wait()
        took = time.monotonic() - began
        (statistics,) = self._folder.glob("caller_*_.csv")
        last = list(csv.DictReader(statistics.read_text().splitlines(), delimiter=";"))[-1]
        (times,) = self._folder.glob("caller_*_rtt.csv")
        rows = csv.DictReader(times.read_text().splitlines(), delimiter=";")
        set_up = tuple(float(row["response_time_ms"]) for row in rows)
        return Load(
            rate,
            placed=int(last["TotalCallCreated"]),
            completed=int(last["SuccessfulCall(C)"]),
            failed=int(last["FailedCall(C)"]),
            repeats=int(last["Retransmissions(C)"]),
            set_up_ms=set_up,
            seconds=took,
        )

    def stop(self) -> None:
        """End the callee."""
        self._callee.kill()
        self._callee.wait()

    def _start(self, arguments: list[str]) -> "subprocess.Popen[bytes]":
        command = [
            *self._prefix,
            "sipp",
            *arguments,
            "-i",
            HOST,
            "-t",
            "u1",
            "-nostdin",
            "-buff_size",
            "4194304",
        ]
        return subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
