"""Wills on disk: kept privately, replaced whole, burnt, and read again by the next process; rubbish in the folder stops nothing."""

from pathlib import Path

from tonevault.cde.edge.will_files import WillFiles
from tonevault.cde.edge.wills import REASON, Farewell
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import CALL, CallId, make_id

PEER = Peer(Transport.TLS, "192.0.2.7", 5061)


def call_id(number: int) -> CallId:
    return CallId(make_id(CALL, number, lambda _: number))


def bye() -> Request:
    headers = Headers(
        [("Max-Forwards", "70"), ("From", "<sip:a@192.0.2.1>;tag=x"), ("To", "<sip:b@192.0.2.7>;tag=y")]
    )
    for name, value in (("Call-ID", "one"), ("CSeq", "1000001 BYE"), ("Reason", REASON)):
        headers.add(name, value)
    return Request("BYE", SipUri.parse("sip:b@192.0.2.7:5061;transport=tls"), headers)


def test_the_next_process_reads_what_was_written(tmp_path: Path) -> None:
    WillFiles(tmp_path / "calls").write(call_id(1), [Farewell(PEER, bye())])
    ((found, (farewell,)),) = WillFiles(tmp_path / "calls").open_all()
    assert found == call_id(1)
    assert farewell.peer == PEER
    assert farewell.request.encode() == bye().encode()
    assert (tmp_path / "calls").stat().st_mode & 0o077 == 0


def test_a_call_that_ended_leaves_nothing(tmp_path: Path) -> None:
    wills = WillFiles(tmp_path / "calls")
    wills.write(call_id(1), [Farewell(PEER, bye())])
    wills.burn(call_id(1))
    wills.burn(call_id(2))
    assert wills.open_all() == []


def test_rubbish_stops_nothing(tmp_path: Path) -> None:
    wills = WillFiles(tmp_path / "calls")
    wills.write(call_id(1), [Farewell(PEER, bye())])
    for name, text in (
        (call_id(2), "{"),
        (call_id(3), '[{"transport": "TLS"}]'),
        (call_id(4), '["x"]'),
        ("notes.txt", "hello"),
    ):
        (tmp_path / "calls" / name).write_text(text)
    (tmp_path / "calls" / f"{call_id(5)}.draft").write_text("half")
    assert [found for found, _ in wills.open_all()] == [call_id(1)]
    assert sorted(path.name for path in (tmp_path / "calls").iterdir()) == [call_id(1)]


def test_a_folder_that_cannot_be_written_loses_no_call(tmp_path: Path) -> None:
    wills = WillFiles(tmp_path / "calls")
    (tmp_path / "calls").rmdir()
    wills.write(call_id(1), [Farewell(PEER, bye())])
    wills.burn(call_id(1))
