"""Which headers pass from one leg to the other. Those of hop, dialog, credentials and body are the edge's own on each leg."""

from collections.abc import Iterable
from typing import Final

from tonevault.cde.wire.sip.header_names import lookup_key
from tonevault.cde.wire.sip.headers import Headers

OWN_HEADERS: Final = frozenset(
    {
        # The hop and the dialog (RFC 3261): each leg has its own.
        "via", "from", "to", "call-id", "cseq", "contact", "route", "record-route", "max-forwards", "path", "service-route",
        "timestamp", "rseq", "rack", "session-expires", "min-se", "replaces", "join", "target-dialog", "refer-to", "refer-sub",
        "event", "subscription-state", "expires", "min-expires", "sip-etag", "sip-if-match", "flow-timer",
        # What an end can do: the edge answers for itself (RFC 3261 sections 20.5, 20.32, 20.37).
        "allow", "allow-events", "supported", "require", "proxy-require", "unsupported", "accept", "accept-encoding",
        "recv-info", "accept-contact", "reject-contact", "request-disposition",
        # The body goes its own way, changed or not.
        "content-length", "content-type", "content-encoding", "content-disposition", "content-language", "mime-version",
        # Credentials belong to one hop (RFC 3261 section 22).
        "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info",
        "proxy-authentication-info", "security-client", "security-server", "security-verify",
        # Who built the end is nobody's business on the other side.
        "user-agent", "server",
    }
)  # fmt: skip
"""Never copied from leg to leg. Everything else passes, known to us or not: outside a capture the edge is transparent."""

MAX_PASSED: Final = 64
"""Header fields of one message that pass; a call through ten proxies brings some thirty."""
MAX_PASSED_BYTES: Final = 8_192
"""In all. A UDP datagram of 65,535 bytes has room for this, a description and our own headers."""


def passing(headers: Headers, blocked: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """The headers of a message that the other leg gets, as written and in order; `blocked` are further names in lower case."""
    passed: list[tuple[str, str]] = []
    room = MAX_PASSED_BYTES
    for name, value in headers:
        key = lookup_key(name)
        if key in OWN_HEADERS or key in blocked:
            continue
        room -= len(name) + len(value) + 4
        if room < 0 or len(passed) == MAX_PASSED:
            break
        passed.append((name, value))
    return passed


def add_all(headers: Headers, items: Iterable[tuple[str, str]]) -> None:
    """Append headers that `passing` chose."""
    for name, value in items:
        headers.add(name, value)
