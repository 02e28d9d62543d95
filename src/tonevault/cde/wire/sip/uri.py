"""SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966). Other schemes are kept as opaque text."""

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import host_text, is_token, parse_host_port
from tonevault.cde.wire.sip.parameters import NO_PARAMETERS, Parameters
from tonevault.cde.wire.sip.reticent import Reticent

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*\Z")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\"<>]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER_SAFE = "-_.!~*'()&=+$,;?/"
"""RFC 3261 section 25.1, `unreserved` and `user-unreserved`: what stands in a user part without an escape."""

SIP_SCHEMES = frozenset({"sip", "sips"})


@dataclass(frozen=True, slots=True, repr=False)
class SipUri(Reticent):
    """One URI, its parts as written (escapes kept). `tel:` has its number in `user` and no host; unknown schemes have `opaque` alone.

    `host` is without IPv6 brackets. `headers` is the text after `?`, without it. Raises ValueError for parts that would not parse back.
    """

    scheme: str = "sip"
    user: str | None = None
    host: str = ""
    port: int | None = None
    parameters: Parameters = NO_PARAMETERS
    headers: str = ""
    password: str | None = None
    opaque: str = ""

    def __post_init__(self) -> None:
        parts = f"{self.user}{self.password}{self.host}{self.headers}{self.opaque}"
        if _FORBIDDEN.search(parts) or ("@" in parts and self.scheme in SIP_SCHEMES):
            raise ValueError("URI: a part holds a character that must be escaped (RFC 3261 section 19.1.2)")

    @classmethod
    def parse(cls, text: str, header: str = "Request-URI") -> "SipUri":
        """From the wire text, which has no angle brackets and no white space. Raises SipParseError naming `header`."""
        if _FORBIDDEN.search(text):
            raise SipParseError(header, "a URI holds no white space, quotes or angle brackets")
        scheme, colon, rest = text.partition(":")
        if not colon or _SCHEME.match(scheme) is None or not rest:
            raise SipParseError(header, "must be a URI with a scheme")
        match scheme.lower():
            case "sip" | "sips" as known:
                return _parse_sip(known, rest, header)
            case "tel":
                number, _, parameters = rest.partition(";")
                if not number:
                    raise SipParseError(header, "a tel URI holds a number (RFC 3966)")
                return cls("tel", user=number, parameters=Parameters.parse(parameters, header))
            case other:
                return cls(other, opaque=rest)

    @property
    def user_text(self) -> str:
        """The user part (or the number of a tel URI) with its escapes undone; "" when there is none."""
        return unquote(self.user or "")

    @property
    def is_sip(self) -> bool:
        """Whether the scheme is sip or sips."""
        return self.scheme in SIP_SCHEMES

    @property
    def is_loose_router(self) -> bool:
        """RFC 3261 section 19.1.1: the `lr` parameter of a Route or Record-Route."""
        return "lr" in self.parameters

    def header(self, name: str) -> str | None:
        """A header that the URI carries after `?`, such as Replaces, with its escapes undone (RFC 3261 section 19.1.1)."""
        for pair in self.headers.split("&"):
            key, _, value = pair.partition("=")
            if unquote(key).lower() == name.lower():
                return unquote(value)
        return None

    def without_headers(self) -> "SipUri":
        """The same without what follows `?`: a Request-URI carries no headers (RFC 3261 section 19.1.1, table 1)."""
        return replace(self, headers="") if self.headers else self

    def text(self) -> str:
        """The wire text, without angle brackets."""
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        if not self.is_sip:
            return f"{self.scheme}:{self.user or ''}{self.parameters.text()}"
        password = "" if self.password is None else f":{self.password}"
        user = "" if self.user is None else f"{self.user}{password}@"
        port = "" if self.port is None else f":{self.port}"
        headers = f"?{self.headers}" if self.headers else ""
        return f"{self.scheme}:{user}{host_text(self.host)}{port}{self.parameters.text()}{headers}"


def escape_user(text: str) -> str:
    """Plain text as a user part, everything that needs it percent-escaped (RFC 3261 section 19.1.2)."""
    return quote(text, safe=_USER_SAFE)


def _parse_sip(scheme: str, rest: str, header: str) -> SipUri:
    userinfo, at, address = rest.rpartition("@")
    user, password = _parse_userinfo(userinfo, header) if at else (None, None)
    address, question, headers = address.partition("?")
    if question and not headers:
        raise SipParseError(header, "headers follow the question mark of a URI")
    host_port, semicolon, parameters = address.partition(";")
    host, port = parse_host_port(host_port, header)
    if semicolon and not parameters:
        raise SipParseError(header, "has an empty parameter")
    return SipUri(scheme, user, host, port, Parameters.parse(parameters, header), headers, password)


def _parse_userinfo(text: str, header: str) -> tuple[str, str | None]:
    if not text or "@" in text or _BAD_ESCAPE.search(text):
        raise SipParseError(header, "the user part is not empty, and its reserved characters are escaped")
    user, colon, password = text.partition(":")
    if not user:
        raise SipParseError(header, "a password follows a user")
    return user, password if colon else None


def transport_of(uri: SipUri) -> str:
    """The `transport` parameter in lower case, "tls" for sips without one, "" when nothing is said (RFC 3261 section 26.2.2)."""
    named = (uri.parameters.get("transport") or "").lower()
    if named and not is_token(named):
        return ""
    return named or ("tls" if uri.scheme == "sips" else "")
