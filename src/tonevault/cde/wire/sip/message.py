"""Requests and responses as values, with their usual headers as typed properties. They never show a header value or a body."""

from dataclasses import dataclass, field

from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.grammar import is_token, parse_number
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.typed_headers import (
    read_contacts,
    read_cseq,
    read_from,
    read_latest_via,
    read_record_routes,
    read_routes,
    read_to,
    read_vias,
    required,
)
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.cde.wire.sip.via import Via

SIP_VERSION = "SIP/2.0"

KNOWN_METHODS = frozenset(
    [
        *("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS"),
        *("PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"),
    ]
)
"""The registered methods: the only ones ever shown. Another method is text of the peer's."""


class Message:
    """What requests and responses share. The typed properties raise SipParseError when the header is missing or malformed.

    What the stack hands out has been checked: there `vias`, `cseq`, `call_id`, `from_` and `to` do not raise.
    """

    __slots__ = ()

    headers: Headers
    body: bytes

    @property
    def vias(self) -> list[Via]:
        """All hops, the latest first."""
        return [*read_vias(self.headers)]

    @property
    def via(self) -> Via:
        """The latest hop."""
        return read_latest_via(self.headers)

    @property
    def cseq(self) -> CSeq:
        """Sequence number and method."""
        return read_cseq(self.headers)

    @property
    def call_id(self) -> str:
        """The Call-ID as written; it compares case-sensitively (RFC 3261 section 20.8)."""
        return required(self.headers, "Call-ID")

    @property
    def from_(self) -> NameAddr:
        """Who sent the request; `from_.tag` is the caller's tag."""
        return read_from(self.headers)

    @property
    def to(self) -> NameAddr:
        """Whom the request is for; `to.tag` is the callee's tag once there is a dialog."""
        return read_to(self.headers)

    @property
    def contacts(self) -> list[NameAddr]:
        """All Contact values; a `*` (REGISTER alone) is not among them."""
        return [*read_contacts(self.headers)]

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact: the remote target of a dialog."""
        return next(iter(read_contacts(self.headers)), None)

    @property
    def routes(self) -> list[NameAddr]:
        """The Route set still to visit, nearest first."""
        return [*read_routes(self.headers)]

    @property
    def record_routes(self) -> list[NameAddr]:
        """The proxies that want to stay in the dialog, the one nearest to the receiver of the request first."""
        return [*read_record_routes(self.headers)]

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; "" when there is none."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()

    @property
    def max_forwards(self) -> int | None:
        """Hops left, 0 to 255; None when the header is missing, which RFC 2543 peers do."""
        value = self.headers.get("Max-Forwards")
        return None if value is None else parse_number(value, "Max-Forwards", 255)

    def number(self, name: str, maximum: int) -> int | None:
        """A header that is one number (Expires, RSeq, Min-SE, …); parameters after it are ignored. None when it is missing."""
        value = self.headers.get(name)
        return None if value is None else parse_number(value.partition(";")[0].strip(), name, maximum)

    def _encode(self, start_line: str) -> bytes:
        length = str(len(self.body))
        lines = [start_line]
        stated = False
        for key, name, value in self.headers.keyed():
            if key != "content-length":
                lines.append(f"{name}: {value}")
            elif not stated:
                stated = True
                lines.append(f"{name}: {length}")
        if not stated:
            lines.append(f"Content-Length: {length}")
        head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        return head + b"\r\n\r\n" + self.body


@dataclass(slots=True, repr=False)
class Request(Message):
    """A request. `method` compares case-sensitively (RFC 3261 section 7.1). Content-Length is written by `encode`, from the body."""

    method: str
    uri: SipUri
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def encode(self) -> bytes:
        """The wire bytes. Raises ValueError for a method that is no token."""
        if not is_token(self.method):
            raise ValueError("method: must be a token (RFC 3261 section 25.1, Method)")
        return self._encode(f"{self.method} {self.uri.text()} {SIP_VERSION}")

    def copy(self) -> "Request":
        """An independent copy."""
        return Request(self.method, self.uri, self.headers.copy(), self.body)

    def __repr__(self) -> str:
        method = self.method if self.method in KNOWN_METHODS else "unknown method"
        return f"<Request {method}, {len(self.headers)} headers, {len(self.body)} body bytes>"


@dataclass(slots=True, repr=False)
class Response(Message):
    """A response. `status` is 100 to 699."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def encode(self) -> bytes:
        """The wire bytes. Raises ValueError for a status out of range or a reason with a line break."""
        if not 100 <= self.status <= 699 or "\r" in self.reason or "\n" in self.reason:
            raise ValueError(
                "status line: the status is 100 to 699, the reason one line (RFC 3261 section 7.2)"
            )
        return self._encode(f"{SIP_VERSION} {self.status} {self.reason}")

    @property
    def is_provisional(self) -> bool:
        """1xx: more will follow."""
        return self.status < 200

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """200 and above: nothing follows."""
        return self.status >= 200

    def copy(self) -> "Response":
        """An independent copy."""
        return Response(self.status, self.reason, self.headers.copy(), self.body)

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.headers)} headers, {len(self.body)} body bytes>"
