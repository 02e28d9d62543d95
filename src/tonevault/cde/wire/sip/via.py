"""One hop of a message: the Via header (RFC 3261 section 20.42) with branch, received and rport (RFC 3581)."""

import re
from dataclasses import dataclass, replace

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import WHITESPACE, host_text, is_token, parse_host_port
from tonevault.cde.wire.sip.parameters import NO_PARAMETERS, Parameters
from tonevault.cde.wire.sip.reticent import Reticent

MAGIC_COOKIE = "z9hG4bK"
"""RFC 3261 section 8.1.1.7: a branch that starts so is unique over space and time."""

_PROTOCOL = re.compile(r"([^\s/]+)[ \t]*/[ \t]*([^\s/]+)[ \t]*/[ \t]*([^\s/]+)[ \t]+(.+)\Z", re.DOTALL)

_ANY_PROTOCOL = re.compile(r"\s*SIP[ \t]*/[^/,;]*/[ \t]*([A-Za-z]{2,10})[ \t]+([^;,]+)", re.IGNORECASE)
_USUAL = re.compile(
    r"SIP/2\.0/([A-Z]{3}) ([A-Za-z0-9_][A-Za-z0-9_.-]*)(?::([1-5][0-9]{4}|[1-9][0-9]{0,3}))?"
    r";branch=([A-Za-z0-9\-.!%*_+`'~]+)(;rport)?\Z"
)
"""What nearly every Via looks like on arrival, read in one step."""


@dataclass(frozen=True, slots=True, repr=False)
class Via(Reticent):
    """`SIP/2.0/UDP host:port;parameters`. `transport` is kept as written, `host` without brackets, `port` None when not written."""

    transport: str
    host: str
    port: int | None = None
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, text: str) -> "Via":
        """From one value of the header (not a comma-separated list). Raises SipParseError."""
        usual = _USUAL.match(text)
        return cls._parse_any(text) if usual is None else cls._from_usual(usual)

    @classmethod
    def _from_usual(cls, found: re.Match[str]) -> "Via":
        transport, host, port, branch, rport = found.groups()
        named: tuple[tuple[str, str | None], ...] = (("branch", branch), ("rport", None))
        return cls(transport, host, int(port) if port else None, Parameters(named if rport else named[:1]))

    @classmethod
    def _parse_any(cls, text: str) -> "Via":
        protocol = _PROTOCOL.match(text.strip(WHITESPACE))
        if protocol is None:
            raise SipParseError("Via", "must be SIP/2.0/TRANSPORT and a host")
        name, version, transport, rest = protocol.groups()
        if name.upper() != "SIP" or version != "2.0" or not is_token(transport):
            raise SipParseError("Via", "the protocol is SIP/2.0 with a transport")
        sent_by, semicolon, parameters = rest.partition(";")
        if semicolon and not parameters.strip(WHITESPACE):
            raise SipParseError("Via", "has an empty parameter")
        host, port = parse_host_port(sent_by.strip(WHITESPACE), "Via")
        return cls(transport, host, port, Parameters.parse(parameters, "Via"))

    @classmethod
    def salvage(cls, text: str) -> "Via | None":
        """Of a hop that is spoilt or of another version of SIP: transport, host and port. None when not even these can be read."""
        protocol = _ANY_PROTOCOL.match(text)
        if protocol is None:
            return None
        try:
            host, port = parse_host_port(protocol[2].strip(WHITESPACE), "Via")
        except SipParseError:
            return None
        return cls(protocol[1], host, port)

    @property
    def branch(self) -> str:
        """The branch as written; "" when there is none, as RFC 2543 peers send it."""
        return self.parameters.get("branch") or ""

    @property
    def has_unique_branch(self) -> bool:
        """Whether the transaction is found by this branch alone. The bare cookie is no such branch (RFC 4475 section 3.2.1)."""
        return self.branch.startswith(MAGIC_COOKIE) and len(self.branch) > len(MAGIC_COOKIE)

    @property
    def sent_by(self) -> str:
        """`host[:port]` in lower case: the part of the transaction's identity beside the branch (RFC 3261 section 17.2.3)."""
        return (host_text(self.host) + ("" if self.port is None else f":{self.port}")).lower()

    def with_parameter(self, name: str, value: str | None) -> "Via":
        """The same with a parameter set."""
        return replace(self, parameters=self.parameters.with_value(name, value))

    def stamped(self, host: str, port: int) -> "Via":
        """The same with where the request really came from: `received`, where it differs, and `rport` where it was asked for (RFC 3581)."""
        if self.parameters.get("rport") == "":
            numbered = self.parameters.with_value("rport", str(port)).with_value("received", host)
            return Via(self.transport, self.host, self.port, numbered)
        return self if self.host == host else self.with_parameter("received", host)

    def text(self) -> str:
        """The wire text."""
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host_text(self.host)}{port}{self.parameters.text()}"
