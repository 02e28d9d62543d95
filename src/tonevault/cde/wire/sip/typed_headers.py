"""What the headers of every message mean: how each is read, once for as long as it stands, and how a value that is known is written."""

from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import split_list
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.via import Via

# Reading. Each raises SipParseError for a header that is missing where it must not be, or malformed.


def read_vias(headers: Headers) -> tuple[Via, ...]:
    """All hops, the latest first."""
    return headers.read("via", _vias)


def read_latest_via(headers: Headers) -> Via:
    """The hop that an answer goes to: understood though one below it should be spoilt."""
    return headers.read("via", _latest_via)


def read_cseq(headers: Headers) -> CSeq:
    """Sequence number and method."""
    return headers.read("cseq", _cseq)


def read_from(headers: Headers) -> NameAddr:
    """Who sent the request."""
    return headers.read("from", _from)


def read_to(headers: Headers) -> NameAddr:
    """Whom the request is for."""
    return headers.read("to", _to)


def read_contacts(headers: Headers) -> tuple[NameAddr, ...]:
    """All Contact values but `*`."""
    return headers.read("contact", _contacts)


def read_routes(headers: Headers) -> tuple[NameAddr, ...]:
    """The proxies still to visit."""
    return headers.read("route", _routes)


def read_record_routes(headers: Headers) -> tuple[NameAddr, ...]:
    """The proxies that want to stay in the dialog."""
    return headers.read("record-route", _record_routes)


def required(headers: Headers, name: str) -> str:
    """The value of a header without which a message is none."""
    value = headers.get(name)
    if not value:
        raise SipParseError(name, "is missing")
    return value


def has_sound_via(headers: Headers) -> bool:
    """Whether the latest hop is written as it must be."""
    try:
        _latest_via(headers)
    except SipParseError:
        return False
    return True


def salvage_via(headers: Headers) -> bool:
    """Whether the latest hop can be answered to; of one that is spoilt, what can be read is taken for the whole."""
    if has_sound_via(headers):
        return True
    remains = Via.salvage(headers.get("Via") or "")
    if remains is not None:
        headers.know("via", _latest_via, remains)
    return remains is not None


# Writing: what is written from a value need not be parsed to be that value again.


def prepend_via(headers: Headers, via: Via) -> None:
    """Our hop on top of a request that has none yet."""
    headers.prepend("Via", via.text())
    headers.know("via", _latest_via, via)


def restamp_via(headers: Headers, via: Via) -> None:
    """Another latest hop in the place of the one that came in."""
    hops = split_list(headers.get("Via") or "", ",", "Via")
    headers.replace_first("Via", ", ".join((via.text(), *hops[1:])))
    headers.know("via", _latest_via, via)


def add_from(headers: Headers, sender: NameAddr) -> None:
    """A From."""
    headers.add("From", sender.text())
    headers.know("from", _from, sender)


def add_to(headers: Headers, receiver: NameAddr) -> None:
    """A To."""
    headers.add("To", receiver.text())
    headers.know("to", _to, receiver)


def tag_to(headers: Headers, tag: str) -> None:
    """Our tag on a To that has none. Raises SipParseError."""
    receiver = read_to(headers)
    if receiver.tag is None:
        receiver = receiver.with_tag(tag)
        headers.set("To", receiver.text())
        headers.know("to", _to, receiver)


def add_cseq(headers: Headers, cseq: CSeq) -> None:
    """A CSeq."""
    headers.add("CSeq", cseq.text())
    headers.know("cseq", _cseq, cseq)


def _vias(headers: Headers) -> tuple[Via, ...]:
    return tuple(Via.parse(value) for value in headers.get_list("Via"))


def _latest_via(headers: Headers) -> Via:
    values = headers.get("Via")
    if values is None:
        raise SipParseError("Via", "is missing")
    return Via.parse(split_list(values, ",", "Via")[0] if "," in values else values)


def _cseq(headers: Headers) -> CSeq:
    return CSeq.parse(required(headers, "CSeq"))


def _from(headers: Headers) -> NameAddr:
    return NameAddr.parse(required(headers, "From"), "From")


def _to(headers: Headers) -> NameAddr:
    return NameAddr.parse(required(headers, "To"), "To")


def _contacts(headers: Headers) -> tuple[NameAddr, ...]:
    return tuple(NameAddr.parse(value, "Contact") for value in headers.get_list("Contact") if value != "*")


def _routes(headers: Headers) -> tuple[NameAddr, ...]:
    return tuple(NameAddr.parse(value, "Route") for value in headers.get_list("Route"))


def _record_routes(headers: Headers) -> tuple[NameAddr, ...]:
    return tuple(NameAddr.parse(value, "Record-Route") for value in headers.get_list("Record-Route"))
