"""The peers tried on each other, without the product: what the whole-system tests rely on does what it says."""

import os
from pathlib import Path

import pytest

from tests.e2e.peers import listen, rtp, wav
from tests.e2e.peers.baresip import Answer, PhoneSettings, Transport
from tests.e2e.peers.baresip_config import MediaSecurity
from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.process import PeerProcess
from tests.e2e.peers.sip_message import requests
from tests.e2e.peers.sipp import InfoType, SippSettings, SippTransport

SIPP_TRANSPORTS = {Transport.UDP: SippTransport.UDP, Transport.TCP: SippTransport.TCP}


@pytest.mark.parametrize("transport", list(Transport))
def test_two_phones_talk_and_key(peers: PeerGroup, transport: Transport) -> None:
    voice = wav.speech_like(2.0, seed=5)
    ann = peers.phone("ann", PhoneSettings(transport), source=voice)
    bob = peers.phone("bob", PhoneSettings(transport))
    ann.dial(bob.uri)
    bob.wait_for("CALL_ESTABLISHED")

    ann.send_keys("42#")
    for _ in range(3):
        bob.wait_for("CALL_DTMF_END")
    ann.press("4")
    bob.wait_for("CALL_DTMF_START")
    ann.release()

    assert listen.likeness(voice.between(0.2, 1.8), bob.wait_heard(2.1, timeout_s=5)) > 0.9
    ann.hangup()
    bob.wait_for("CALL_CLOSED")
    assert bob.keys_received() == "42#4"
    assert ann.keys_received() == ""
    assert {one.transport for one in ann.messages()} == {transport.upper()}
    ann.wait_message("BYE", status=200)


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_audible_keys_are_heard(peers: PeerGroup, codec: str) -> None:
    settings = PhoneSettings(codecs=(codec,))
    ann, bob = peers.phone("ann", settings), peers.phone("bob", settings)
    ann.dial(bob.uri)
    heard_s = bob.recording().length_s
    keyed = wav.silence(0.1).then(wav.keyed("0123456789*#44", tone_s=0.05, gap_s=0.05))
    ann.play(keyed)
    sound = bob.wait_heard(heard_s + keyed.length_s + 0.3, timeout_s=6)
    assert listen.keys_text(sound) == "0123456789*#44"
    assert listen.keys_text(ann.recording()) == ""
    assert bob.keys_received() == ""


def test_srtp_and_ringing_and_refusing(peers: PeerGroup) -> None:
    secure = PhoneSettings(Transport.TLS, media_security=MediaSecurity.SDES)
    ann = peers.phone("ann", secure, source=wav.keyed("159"))
    bob = peers.phone("bob", PhoneSettings(Transport.TLS, Answer.BY_HAND, media_security=MediaSecurity.SDES))
    ann.dial(bob.uri, wait=False)
    ann.wait_for("CALL_RINGING")
    bob.reject()
    assert ann.wait_for("CALL_CLOSED").detail.startswith("486")
    bob.wait_for("CALL_CLOSED")

    ann.dial(bob.uri, wait=False)
    bob.wait_for("CALL_INCOMING")
    bob.wait_for("CALL_INCOMING")
    bob.answer()
    assert listen.keys_text(bob.wait_heard(0.6, timeout_s=5)) == "159"
    assert "RTP/SAVP" in requests(bob.messages(), "INVITE", sent=False)[-1].body


def test_hold_resume_and_transfer(peers: PeerGroup) -> None:
    ann, bob, eve = peers.phone("ann"), peers.phone("bob"), peers.phone("eve")
    ann.dial(bob.uri)
    bob.hold()
    bob.resume()
    ann.reinvite()
    offers = requests(ann.messages(), "INVITE", sent=False)
    assert ["a=sendonly" in one.body or "a=inactive" in one.body for one in offers] == [True, False]

    bob.transfer(eve.uri)
    ann.wait_for("TRANSFER")
    eve.wait_for("CALL_ESTABLISHED")
    assert requests(ann.messages(), "REFER", sent=False)
    assert requests(bob.messages(), "NOTIFY", sent=False)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_sipp_calls_a_phone(peers: PeerGroup, transport: Transport) -> None:
    bob = peers.phone("bob", PhoneSettings(transport))
    headers = {"X-Customer": "c-17", "X-Payment-Session": "ps_abc"}
    caller = peers.caller(SippSettings(SIPP_TRANSPORTS[transport], headers=headers))
    caller.dial("bob", bob.sip_port)
    invite = requests(bob.messages(), "INVITE", sent=False)[0]
    assert {name: invite.header(name) for name in headers} == headers
    assert "telephone-event" in invite.body

    assert caller.keys("42#44") == [200] * 5
    assert caller.key("7", InfoType.DTMF) == 488, "baresip 1.0.0 knows application/dtmf-relay only"
    assert bob.keys_received() == "42#44"
    assert (caller.hold(), caller.resume()) == (200, 200)
    bob.hold()
    caller.wait_for("reinvited")
    caller.hangup()
    assert caller.wait_ended() == 0
    bob.wait_for("CALL_CLOSED")


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_sipp_is_called(peers: PeerGroup, transport: Transport) -> None:
    ann = peers.phone("ann", PhoneSettings(transport))
    busy = peers.callee(SippSettings(SIPP_TRANSPORTS[transport], refusal=486))
    ann.dial(busy.uri, wait=False)
    busy.reject()
    assert ann.wait_for("CALL_CLOSED").detail == "486 Refused"

    silent = peers.callee(SippSettings(SIPP_TRANSPORTS[transport]))
    ann.dial(silent.uri, wait=False)
    silent.wait_for("incoming")
    ann.hangup()
    silent.wait_for("cancelled")

    callee = peers.callee(SippSettings(SIPP_TRANSPORTS[transport]))
    ann.dial(callee.uri, wait=False)
    callee.answer()
    ann.wait_for("CALL_ESTABLISHED")
    assert callee.refer("sip:nobody@127.0.0.1:9") == 202
    callee.wait_message("NOTIFY")
    callee.hangup()
    assert [one.wait_ended() for one in (busy, silent, callee)] == [0, 0, 0]


def test_sipp_gives_up_and_is_refused(peers: PeerGroup) -> None:
    bob = peers.phone("bob", PhoneSettings(answer=Answer.BY_HAND))
    caller = peers.caller()
    caller.dial("bob", bob.sip_port, wait=False)
    caller.wait_for("ringing")
    caller.cancel()
    bob.wait_for("CALL_CLOSED")
    with pytest.raises(PeerError, match="refused with 404"):
        peers.caller().dial("nobody", bob.sip_port)


def test_rtp_of_a_sipp_call(peers: PeerGroup) -> None:
    bob = peers.phone("bob", source=wav.keyed("85"))
    caller = peers.caller()
    endpoint = peers.sound_of(caller)
    caller.dial("bob", bob.sip_port)
    endpoint.start(caller.remote_audio_port())
    endpoint.press("44", press_s=0.06, gap_s=0.04)
    endpoint.lost = lambda sequence: sequence % 4 == 0
    endpoint.press("9", press_s=0.1)
    endpoint.lost = lambda _sequence: False
    endpoint.press("#", press_s=0.08, gap_s=0.1, with_tone=True)
    bob.wait_for("CALL_DTMF_END")
    assert bob.keys_received() == "449#"
    assert listen.keys_text(bob.recording()) == "#"
    assert listen.keys_text(rtp.sound(endpoint.received())) == "85"
    caller.hangup()


def test_the_wire_shows_what_crossed_it(peers: PeerGroup) -> None:
    wire = peers.wire()
    ann = peers.phone("ann", PhoneSettings(Transport.TCP), source=wav.silence(0.3).then(wav.keyed("71")))
    bob = peers.phone("bob", PhoneSettings(Transport.TCP))
    ann.dial(bob.uri)
    ann.send_keys("42#")
    for _ in range(3):
        bob.wait_for("CALL_DTMF_END")
    ann.hangup()

    crossed = wire.rtp(to_ports=bob.rtp_ports)
    pressed = rtp.presses(crossed)
    assert [one.key for one in pressed] == list("42#")
    assert [one.ends for one in pressed[:2]] == [3, 3]
    assert listen.keys_text(rtp.sound(crossed)) == "71"
    assert rtp.presses(wire.rtp(to_ports=ann.rtp_ports)) == []
    assert any(b"INVITE sip:bob@" in stream for stream in wire.tcp_streams(to_ports=[bob.sip_port]))


def test_a_peer_ends_with_its_test(tmp_path: Path) -> None:
    group = PeerGroup(tmp_path)
    ann, bob = group.phone("ann"), group.phone("bob")
    ann.dial(bob.uri)
    ann.send_keys("5")
    pids = [ann.pid, bob.pid]
    log = dict(group.logs())["baresip-ann"]
    group.close()
    assert "DTMF digit: '•'" in log
    assert "'5'" not in log
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_missing_peer_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="scripts/install-peers"):
        PeerProcess("gone", ["no-such-sip-phone"], tmp_path)
