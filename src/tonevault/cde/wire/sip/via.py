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

    def text(self) -> str:
        """The wire text."""
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {host_text(self.host)}{port}{self.parameters.text()}"
