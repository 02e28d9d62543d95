"""The judges of the whole-system tests tried on known sound, packets, logs and pages: each must be able to fail."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.peers import g711, listen, rtp, wav
from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.keypad import EVENT_CODES, KEY_TONES_HZ
from tests.e2e.peers.masking import masked
from tests.e2e.peers.rtp import RtpPacket, event_payload, parse_rtp
from tests.e2e.peers.rtp_endpoint import key_steps

ALL_KEYS = "0123456789*#ABCD"
BEEP_HZ = 1400.0


def through_g711(sound: wav.Sound, payload_type: int = g711.PCMU) -> wav.Sound:
    return wav.Sound(g711.decode(payload_type, g711.encode(payload_type, sound.samples)))


@pytest.mark.parametrize("payload_type", [g711.PCMU, g711.PCMA])
def test_g711_codes_every_sample_to_the_nearest_level(payload_type: int) -> None:
    levels = g711.decode(payload_type, bytes(range(256)))
    again = g711.decode(payload_type, g711.encode(payload_type, levels))
    assert np.array_equal(levels, again)
    assert int(np.max(np.abs(levels))) == (32124 if payload_type == g711.PCMU else 32256)


@pytest.mark.parametrize("payload_type", [g711.PCMU, g711.PCMA])
@pytest.mark.parametrize(("tone_s", "level"), [(0.02, -9.0), (0.08, -9.0), (0.04, -40.0)])
def test_every_key_is_heard_once(payload_type: int, tone_s: float, level: float) -> None:
    keyed = wav.keyed(ALL_KEYS + "44", tone_s=tone_s, gap_s=0.04, level_dbm0=level)
    assert listen.keys_text(through_g711(keyed, payload_type)) == ALL_KEYS + "44"


def test_keys_are_heard_under_a_voice_and_a_voice_is_no_key() -> None:
    voice = wav.speech_like(20.0, -18.0, seed=2)
    assert listen.keys_heard(voice) == []
    keyed = wav.keyed(ALL_KEYS)
    assert listen.keys_text(keyed.mixed_with(wav.speech_like(keyed.length_s, -26.0, seed=3))) == ALL_KEYS


@pytest.mark.parametrize("key", KEY_TONES_HZ)
def test_a_leak_of_six_milliseconds_is_heard(key: str) -> None:
    leak = wav.silence(0.1).then(wav.key_tone(key, 0.006), wav.silence(0.1))
    (fragment,) = listen.key_fragments(through_g711(leak))
    assert fragment.start_s == pytest.approx(0.1, abs=0.002)


def test_beeps_are_counted_and_are_no_keys() -> None:
    beeps = wav.silence(0.2)
    for gap_s in (0.05, 0.2, 0.3):
        beeps = beeps.then(wav.tone(BEEP_HZ, 0.12, -15.0), wav.silence(gap_s))
    heard = listen.beeps_heard(through_g711(beeps), BEEP_HZ)
    assert [one.start_s for one in heard] == pytest.approx([0.2, 0.37, 0.69], abs=0.005)
    assert [one.length_s for one in heard] == pytest.approx([0.12] * 3, abs=0.005)
    assert [one.level_dbm0 for one in heard] == pytest.approx([-15.0] * 3, abs=0.5)
    assert listen.keys_heard(beeps) == listen.key_fragments(beeps) == []
    assert listen.beeps_heard(wav.keyed("5"), BEEP_HZ) == []


def test_levels_and_likeness() -> None:
    assert listen.level_dbm0(wav.tone(1000, 1.0, -10.0)) == pytest.approx(-10.0, abs=0.1)
    assert listen.level_dbm0(wav.silence(1.0)) == -100.0
    voice = wav.speech_like(2.0, seed=8)
    late = wav.silence(0.3).then(voice, wav.silence(0.2))
    assert listen.likeness(voice, through_g711(late)) > 0.99
    assert listen.likeness(voice, wav.speech_like(3.0, seed=9)) < 0.3


def test_a_recording_is_read_while_it_is_written(tmp_path: Path) -> None:
    sound = wav.keyed("42")
    whole = sound.save(tmp_path / "whole.wav").read_bytes()
    growing = tmp_path / "growing.wav"
    growing.write_bytes(whole[:40] + bytes(4) + whole[44:2001])
    assert np.array_equal(wav.load(growing).samples, sound.samples[: (2001 - 44) // 2])


def packet(sequence: int, timestamp: int, payload: bytes, payload_type: int = 0) -> RtpPacket:
    return RtpPacket(0.0, payload_type, False, sequence, timestamp, 7, payload)


def test_rtp_is_parsed_and_rtcp_is_not() -> None:
    sent = RtpPacket(1.5, 101, True, 65535, 0xFFFF_FFFF, 0xDEAD_BEEF, b"\x04\x8a\x03\x20")
    assert parse_rtp(sent.pack(), 1.5) == sent
    assert parse_rtp(b"\x80\xc8\x00\x06" + bytes(24), 0.0) is None
    extended = b"\x90\x00" + sent.pack()[2:12] + b"\xbe\xde\x00\x01abcd" + b"voice"
    parsed = parse_rtp(extended, 0.0)
    assert parsed is not None
    assert parsed.payload == b"voice"


def test_sound_is_laid_out_by_timestamps() -> None:
    loud = g711.encode(0, np.full(160, 8000, dtype=np.int16))
    start = 0xFFFF_FFF0
    sound = rtp.sound(
        [
            packet(1, start, loud),
            packet(3, (start + 480) % 2**32, loud),
            packet(2, (start + 320) % 2**32, loud),
        ]
    )
    assert len(sound.samples) == 640
    assert [bool(sound.samples[at]) for at in (0, 200, 400, 600)] == [True, False, True, True]


def test_presses_are_told_apart_by_their_timestamps() -> None:
    def event(timestamp: int, end: bool) -> RtpPacket:
        return packet(1, timestamp, event_payload(EVENT_CODES["4"], end=end, duration=800), 101)

    pressed = rtp.presses([event(100, False), event(100, True), event(100, True), event(9000, True)])
    assert [(one.key, one.packets, one.ends) for one in pressed] == [("4", 3, 2), ("4", 1, 1)]
    assert "4" not in repr(pressed[0]).replace("EventPress", "")


def test_a_press_is_sent_as_rfc_4733_wants_it() -> None:
    steps = [one for one in key_steps("7", press_s=0.1) if one.key]
    assert [one.ticks for one in steps] == [1, 2, 3, 4, 5]
    assert [one.ends for one in steps] == [0, 0, 0, 0, 3]


@pytest.mark.parametrize(
    "line",
    [
        "audio: send DTMF digit: '4'",
        "received event: '4' (end=1)",
        "Signal=4\r\nDuration=160",
        "Content-Type: application/dtmf\r\nContent-Length: 1\r\n\r\n4",
        "card 4444 4444-4444 4444",
    ],
)
def test_digits_are_masked(line: str) -> None:
    assert "4" not in masked(line)


PAGE = """<!doctype html><title>t</title><link rel="icon" href="data:,"><p id="last"></p>
<script>
localStorage.kept = "kept-in-storage";
new EventSource("/events").onmessage = (e) => { document.getElementById("last").textContent = e.data; };
fetch("/send", {method: "POST", body: "sent-in-body"});
</script>"""


class Site(BaseHTTPRequestHandler):
    """A page that stores, posts and listens; each of its ways out carries a word of its own."""

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/":
            self._answer(200, "text/html", PAGE.encode())
        elif self.path == "/events":
            self._answer(200, "text/event-stream", b"data: told-by-event\n\n")
        else:
            self._answer(404, "text/plain", b"nothing here")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, "text/plain", b"answered-in-body")


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_browser_keeps_everything_that_went_through_it(peers: PeerGroup, site: str) -> None:
    browser = peers.browser(base_url=site)
    browser.page.goto("/")
    browser.page.get_by_text("told-by-event").wait_for()
    assert browser.screenshot("page").stat().st_size > 1000
    assert browser.errors() == []
    assert "told-by-event" in browser.traffic.server_sent_events()
    browser.close()
    exhibits = [one.content for one in browser.traffic.exhibits()]
    for word in (b"kept-in-storage", b"sent-in-body", b"answered-in-body", b"told-by-event"):
        assert any(word in content for content in exhibits), word


def test_a_console_error_fails_the_test_unless_it_was_expected(peers: PeerGroup, site: str) -> None:
    browser = peers.browser(base_url=site)
    browser.page.goto("/missing")
    assert len(browser.errors()) == 1
    with pytest.raises(PeerError, match="404"):
        browser.require_clean()
    browser.expect_error("404")
    browser.require_clean()
