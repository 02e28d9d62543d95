"""Payload types and their names: `a=rtpmap`, `a=fmtp` and the static table of RFC 3551. Refuses to name what it does not know."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tonevault.cde.media import Codec
from tonevault.cde.wire.sdp.model import Line, MediaDescription

STATIC: Final = {
    codec.payload_type: codec
    for codec in (
        Codec(0, "PCMU", 8000),
        Codec(3, "GSM", 8000),
        Codec(4, "G723", 8000),
        Codec(5, "DVI4", 8000),
        Codec(6, "DVI4", 16000),
        Codec(7, "LPC", 8000),
        Codec(8, "PCMA", 8000),
        Codec(9, "G722", 8000),
        Codec(10, "L16", 44100, 2),
        Codec(11, "L16", 44100),
        Codec(12, "QCELP", 8000),
        Codec(13, "CN", 8000),
        Codec(15, "G728", 8000),
        Codec(18, "G729", 8000),
    )
}
"""RFC 3551 table 4: payload types that mean a codec without `a=rtpmap`. G722 has the clock rate of its famous erratum."""

G711: Final = frozenset({"PCMU", "PCMA"})
"""The codecs whose sound the edge interprets: tones are found and masked in them."""
EVENT: Final = "TELEPHONE-EVENT"
COMFORT_NOISE: Final = "CN"
REDUNDANCY: Final = "RED"
"""RFC 2198: packets that repeat former ones. They end at the edge, on the leg that they come from."""
WRAPPERS: Final = frozenset({REDUNDANCY, "TONE", "RTX", "ULPFEC", "FLEXFEC", "PARITYFEC"})
"""Formats that carry other payloads, old packets or described tones (RFC 2198, 4588, 5109, RFC 4733 section 4).

A key could pass through them unseen, so they are no codecs: none is relayed, and none but redundancy is negotiated.
"""
KEYPAD_EVENTS: Final = "0-15"
"""RFC 4733 section 3.2: the events that are keys."""

DYNAMIC: Final = range(96, 128)
"""RFC 3551 section 3: payload types free for use by agreement."""

_RTPMAP = re.compile(r"([0-9]{1,3})\s+([!#-'*+\-.0-9A-Za-z^-~]{1,32})/([0-9]{1,6})(?:/([0-9]{1,2}))?\s*")
MAX_CODECS: Final = 16
"""Formats of one stream that are taken, the preferred first; a browser offers a dozen."""
MAX_REDUNDANCY: Final = 4
"""One for each clock that telephones use, and one to spare."""
FMTP_LIMIT: Final = 128
"""The longest parameters in the field (AMR with all its modes) have some 100 characters; longer ones are left out."""


def codecs_of(media: MediaDescription) -> tuple[Codec, ...]:
    """The formats of an RTP stream that can be named and relayed, in the order of preference that its `m=` line gives."""
    return tuple(codec for codec in _formats(media) if codec.name not in WRAPPERS)[:MAX_CODECS]


def redundancy_of(media: MediaDescription) -> tuple[Codec, ...]:
    """The formats by which its writer sends and takes redundancy (RFC 2198); their `a=fmtp` names what they may hold."""
    return tuple(codec for codec in _formats(media) if codec.name == REDUNDANCY and _repeats(codec))[
        :MAX_REDUNDANCY
    ]


def redundancy_for(known: tuple[Codec, ...], redundancy: tuple[Codec, ...]) -> tuple[Codec, ...]:
    """Of a side's redundancy, what repeats nothing but codecs and events that are `known` to be agreed, at their clock."""
    rates = {codec.payload_type: codec.clock_rate for codec in known}
    return tuple(
        each for each in redundancy if all(rates.get(one) == each.clock_rate for one in _repeats(each))
    )


def _repeats(redundancy: Codec) -> tuple[int, ...]:
    """The payload types that redundancy may hold, by RFC 2198 section 5: `98 0/0` for PCMU that repeats PCMU. Empty if it is malformed."""
    words = redundancy.fmtp.split("/")
    if not all(word.isascii() and word.isdigit() and len(word) <= 3 for word in words):
        return ()
    return tuple(int(word) for word in words)


def numbers_of(media: MediaDescription) -> tuple[int, ...]:
    """The payload types of a stream, whatever they mean, once, in order."""
    numbers = (int(text) for text in media.formats if text.isascii() and text.isdigit() and len(text) <= 3)
    return tuple(dict.fromkeys(numbers))


def _formats(media: MediaDescription) -> Iterator[Codec]:
    """Every format that can be named, once, in order."""
    named = _named(media.attributes("rtpmap"))
    parameters = _parameters(media.attributes("fmtp"))
    for payload_type in numbers_of(media):
        codec = named.get(payload_type) or STATIC.get(payload_type)
        if codec is not None and codec.clock_rate > 0:
            yield replace(codec, fmtp=parameters.get(payload_type, ""))


def _named(values: tuple[str, ...]) -> dict[int, Codec]:
    found = {}
    for value in values:
        match = _RTPMAP.fullmatch(value)
        if match and int(match[1]) < 128:
            codec = Codec(int(match[1]), match[2].upper(), int(match[3]), int(match[4] or 1))
            found[codec.payload_type] = codec
    return found


def _parameters(values: tuple[str, ...]) -> dict[int, str]:
    found = {}
    for value in values:
        head, _, rest = value.partition(" ")
        if (
            head.isascii()
            and head.isdigit()
            and len(head) <= 3
            and rest.isascii()
            and len(rest) <= FMTP_LIMIT
        ):
            found[int(head)] = rest.strip()
    return found


def codec_lines(codecs: tuple[Codec, ...]) -> tuple[Line, ...]:
    """`a=rtpmap` and `a=fmtp` for each codec: static types are mapped too, which RFC 3264 section 5.1 recommends."""
    lines = []
    for codec in codecs:
        channels = f"/{codec.channels}" if codec.channels != 1 else ""
        name = codec.name.lower() if codec.name == EVENT else codec.name
        lines.append(Line("a", f"rtpmap:{codec.payload_type} {name}/{codec.clock_rate}{channels}"))
        if codec.fmtp:
            lines.append(Line("a", f"fmtp:{codec.payload_type} {codec.fmtp}"))
    return tuple(lines)


def same_codec(one: Codec, other: Codec) -> bool:
    """Whether two payload types mean the same coding, whatever their numbers and parameters."""
    return (one.name, one.clock_rate, one.channels) == (other.name, other.clock_rate, other.channels)


def with_events(
    voice: tuple[Codec, ...], events: tuple[Codec, ...], others: tuple[Codec, ...] = ()
) -> tuple[Codec, ...]:
    """The events of an offer, completed: one telephone-event for each clock rate of its voice codecs (RFC 4733 section 2.1).

    So a key can be caught as an event on a leg even where the other leg's phone knows nothing of events. `others` have their numbers too.
    """
    taken = {codec.payload_type for codec in (*voice, *events, *others)}
    free = (number for number in (101, *DYNAMIC) if number not in taken)
    completed = list(events)
    for rate in dict.fromkeys(codec.clock_rate for codec in voice if codec.name != COMFORT_NOISE):
        if not any(event.clock_rate == rate for event in completed):
            number = next(free, None)
            if number is None:
                break
            taken.add(number)
            completed.append(Codec(number, EVENT, rate, fmtp=KEYPAD_EVENTS))
    return tuple(completed)
