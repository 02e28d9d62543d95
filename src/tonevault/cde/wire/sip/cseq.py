"""The sequence number and method of a request: CSeq (RFC 3261 section 20.16) and RAck (RFC 3262 section 7.2)."""

from dataclasses import dataclass

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import is_token, parse_number
from tonevault.cde.wire.sip.limits import MAX_CSEQ, MAX_DELTA_SECONDS
from tonevault.cde.wire.sip.reticent import Reticent


@dataclass(frozen=True, slots=True, repr=False)
class CSeq(Reticent):
    """A number of 0 to 2**31 - 1 and a method."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """From the header value. Raises SipParseError."""
        parts = text.split()
        if len(parts) != 2 or not is_token(parts[1]):
            raise SipParseError("CSeq", "must be a number and a method")
        return cls(parse_number(parts[0], "CSeq", MAX_CSEQ), parts[1])

    def text(self) -> str:
        """The wire text."""
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True, repr=False)
class RAck(Reticent):
    """Which reliable provisional response a PRACK acknowledges: its RSeq, and the CSeq of the request it answered."""

    rseq: int
    cseq: CSeq

    @classmethod
    def parse(cls, text: str) -> "RAck":
        """From the header value. Raises SipParseError."""
        rseq, _, rest = text.strip().partition(" ")
        number = parse_number(rseq, "RAck", MAX_DELTA_SECONDS)
        try:
            return cls(number, CSeq.parse(rest))
        except SipParseError:
            raise SipParseError("RAck", "must be two numbers and a method (RFC 3262 section 7.2)") from None

    def text(self) -> str:
        """The wire text."""
        return f"{self.rseq} {self.cseq.text()}"
