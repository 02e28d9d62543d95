"""Log lines about messages: what they tell, and what they leave out."""

import pytest

from tonevault.cde.edge.sip_driver.trace import summarise

CANARY = b"4242424242424242"


@pytest.mark.parametrize(
    ("data", "line_without_length"),
    [
        (b"INFO sip:x SIP/2.0\r\nCall-ID: abc\r\n\r\nSignal=1", "INFO, call ba7816bf"),
        (
            b"SIP/2.0 487 Request Terminated\r\nCSeq: 1 INVITE\r\ni: abc\r\n\r\n",
            "487 to INVITE, call ba7816bf",
        ),
        (b"SIP/2.0 200 OK\r\n\r\n", "200 to unknown method, call unknown"),
        (CANARY + b" sip:x SIP/2.0\r\n\r\n", "unknown method, call unknown"),
        (
            b"SIP/2.0 200 OK\r\nCSeq: 1 " + CANARY + b"\r\n\r\n",
            "200 to unknown method, call unknown",
        ),
        (b"INFO x\r\n\r\nCall-ID: abc\r\n", "INFO, call unknown"),
        (b"", "unknown method, call unknown"),
    ],
)
def test_lines(data: bytes, line_without_length: str) -> None:
    what, _, call = line_without_length.rpartition(", ")
    assert summarise(data) == f"{what}, {len(data)} bytes, {call}"
