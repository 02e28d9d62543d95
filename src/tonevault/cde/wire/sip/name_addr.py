"""A display name, a URI and parameters: From, To, Contact, Route, Record-Route, Refer-To (RFC 3261 section 20.10)."""

import re
from dataclasses import dataclass

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import WHITESPACE, end_of_quoted, quote, unquote
from tonevault.cde.wire.sip.parameters import NO_PARAMETERS, Parameters
from tonevault.cde.wire.sip.reticent import Reticent
from tonevault.cde.wire.sip.uri import SipUri

_PLAIN_DISPLAY = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+(?: [A-Za-z0-9\-.!%*_+`'~]+)*\Z")

_USUAL = re.compile(
    r"""(?:"(?P<quoted>[^"\\\x00-\x1f\x7f]*)"|(?P<plain>(?:[A-Za-z0-9\-.!%*_+`'~]+(?:[ ][A-Za-z0-9\-.!%*_+`'~]+)*)?))[ ]?
        <(?P<scheme>sips?):(?:(?P<user>[A-Za-z0-9\-_.!~*'()&=+$,/]+)@)?(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<port>(?:[1-5][0-9]{4}|[1-9][0-9]{0,3})))?>
        (?:;tag=(?P<tag>[A-Za-z0-9\-.!%*_+`'~]+))?\Z""",
    re.VERBOSE,
)
"""What nearly every From, To and Contact looks like. Such a value is read in one step, which comes to what the steps below come to."""


@dataclass(frozen=True, slots=True, repr=False)
class NameAddr(Reticent):
    """`"display" <uri>;parameters`. `display` is the plain text without quotes; `parameters` belong to the header, not to the URI."""

    uri: SipUri
    display: str = ""
    parameters: Parameters = NO_PARAMETERS

    @classmethod
    def parse(cls, text: str, header: str) -> "NameAddr":
        """From a header value, in either form (`name-addr` or `addr-spec`). Raises SipParseError naming `header`."""
        usual = _USUAL.match(text)
        return cls._parse_any(text, header) if usual is None else cls._from_usual(usual)

    @classmethod
    def _from_usual(cls, found: re.Match[str]) -> "NameAddr":
        quoted, plain, scheme, user, host, port, tag = found.groups()
        uri = SipUri(scheme, user, host, int(port) if port else None)
        return cls(uri, quoted or plain or "", Parameters((("tag", tag),)) if tag else NO_PARAMETERS)

    @classmethod
    def _parse_any(cls, text: str, header: str) -> "NameAddr":
        text = text.strip(WHITESPACE)
        if text.startswith('"'):
            end = end_of_quoted(text, 0, header)
            display, rest = unquote(text[:end]), text[end:].lstrip(WHITESPACE)
            if not rest.startswith("<"):
                raise SipParseError(header, "a display name is followed by a URI in angle brackets")
        else:
            start = text.find("<")
            if start < 0 or '"' in text[:start]:
                # No bracket, or one inside a quoted parameter (`sip:a@b;+sip.instance="<urn:…>"`).
                return cls._parse_bare(text, header)
            display, rest = text[:start].strip(WHITESPACE), text[start:]
        uri, bracket, parameters = rest[1:].partition(">")
        if not bracket:
            raise SipParseError(header, "an angle bracket is not closed")
        return cls(
            SipUri.parse(uri.strip(WHITESPACE), header), display, _parse_parameters(parameters, header)
        )

    @classmethod
    def _parse_bare(cls, text: str, header: str) -> "NameAddr":
        uri, semicolon, parameters = text.partition(";")
        if "?" in uri or "," in uri:
            # RFC 3261 section 20.10: such a URI stands in angle brackets, or it cannot be told from the header's own syntax.
            raise SipParseError(
                header, "a URI with a comma, question mark or semicolon stands in angle brackets"
            )
        return cls(
            SipUri.parse(uri.rstrip(WHITESPACE), header),
            "",
            _parse_parameters(semicolon + parameters, header),
        )

    @property
    def tag(self) -> str | None:
        """The `tag` parameter of From and To; None when there is none."""
        return self.parameters.get("tag") or None

    def with_tag(self, tag: str | None) -> "NameAddr":
        """The same with this tag, or without one."""
        parameters = self.parameters
        changed = parameters.without("tag") if tag is None else parameters.with_value("tag", tag)
        return NameAddr(self.uri, self.display, changed)

    def text(self) -> str:
        """The wire text, always with angle brackets."""
        address = f"<{self.uri.text()}>{self.parameters.text()}"
        if not self.display:
            return address
        display = self.display if _PLAIN_DISPLAY.match(self.display) else quote(self.display)
        return f"{display} {address}"


def _parse_parameters(text: str, header: str) -> Parameters:
    text = text.strip(WHITESPACE)
    if not text:
        return NO_PARAMETERS
    if not text.startswith(";") or not text[1:]:
        raise SipParseError(header, "only parameters follow the URI")
    return Parameters.parse(text[1:], header)
