"""A SIP message as a peer saw it, read from the peer's own trace; for assertions only, so it is no strict parser."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One message of a peer's trace. `sent` is true for what the peer itself sent."""

    sent: bool
    transport: str
    start_line: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def method(self) -> str:
        """The request's method, or for a response that of its CSeq."""
        if self.status is None:
            return self.start_line.split(" ", 1)[0]
        return self.header("CSeq").rpartition(" ")[2]

    @property
    def status(self) -> int | None:
        """The status code of a response, None for a request."""
        return int(self.start_line.split(" ", 2)[1]) if self.start_line.startswith("SIP/2.0 ") else None

    def all_headers(self, name: str) -> list[str]:
        return [value for one, value in self.headers if one.lower() == name.lower()]

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next(iter(self.all_headers(name)), "")

    def __repr__(self) -> str:
        """No body and no header: either may hold digits, and pytest prints what it compares."""
        return f"SipMessage(sent={self.sent}, {self.method}, status={self.status})"


def parse_message(text: str, *, sent: bool, transport: str) -> SipMessage:
    """Reads one message whose lines end in CRLF or LF."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    start_line, *lines = head.strip("\n").split("\n")
    headers = tuple(
        (name.strip(), value.strip())
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    )
    return SipMessage(sent, transport.upper(), start_line, headers, body)


def requests(messages: Sequence[SipMessage], method: str, *, sent: bool | None = None) -> list[SipMessage]:
    """The requests with a method, optionally only those sent or only those received."""
    return [
        one
        for one in messages
        if one.status is None and one.method == method and (sent is None or one.sent == sent)
    ]


def responses(messages: Sequence[SipMessage], method: str, *, sent: bool | None = None) -> list[SipMessage]:
    """The responses to a method, optionally only those sent or only those received."""
    return [
        one
        for one in messages
        if one.status is not None and one.method == method and (sent is None or one.sent == sent)
    ]


def first_message(
    messages: Sequence[SipMessage], method: str, *, status: int | None, sent: bool
) -> SipMessage | None:
    """The first request of a method, or with a status the first such response to it."""
    return next(
        (one for one in messages if (one.method, one.status, one.sent) == (method, status, sent)), None
    )


_BARESIP_TRACE = re.compile(
    r"\x1b\[36;1m#\n(?P<transport>\w+) [\d.]+:\d+ -> [\d.]+:\d+\n(?P<text>.*?)\x1b\[;m", re.DOTALL
)


def parse_baresip_trace(log: str, own_ports: range) -> list[SipMessage]:
    """The messages of a baresip log made with `-s`; `own_ports` are the phone's own SIP ports.

    The trace does not say which way a message went, and on TCP its addresses do not tell either. The topmost Via
    does: requests that the phone sent and responses that it got carry the phone's own port there.
    """
    messages = []
    for found in _BARESIP_TRACE.finditer(log):
        one = parse_message(found["text"], sent=False, transport=found["transport"])
        own_via = any(f":{port};" in one.header("Via") for port in own_ports)
        messages.append(replace(one, sent=own_via == (one.status is None)))
    return messages


_SIPP_TRACE = re.compile(
    r"^-{20,} [^\n]+\n(?P<transport>UDP|TCP|TLS) message (?P<way>sent|received) [^\n]*\n\n"
    r"(?P<text>.*?)(?=^-{20,} |\Z)",
    re.DOTALL | re.MULTILINE,
)


def parse_sipp_trace(text: str) -> list[SipMessage]:
    """The messages of a file written with sipp's `-trace_msg`; the control messages are left out."""
    return [
        parse_message(found["text"], sent=found["way"] == "sent", transport=found["transport"])
        for found in _SIPP_TRACE.finditer(text.replace("\r\n", "\n"))
    ]
