"""What the controller and a relay worker say to each other, as octets. It refuses to keep a key: frames are overwritten once used."""

import struct
from dataclasses import astuple, dataclass, fields
from enum import IntEnum
from typing import Final

from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.media import (
    Carrier,
    Codec,
    Direction,
    Leg,
    LegMedia,
    MaskMode,
    MediaAddress,
    Srtp,
    SrtpSuite,
)
from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.sealed.media_warrant import open_media_key
from tonevault.cde.sealed.warrant import event_code

FRAME_LIMIT: Final = 16384
"""A `configure` of 128 codecs with long parameters still fits; SDP that is larger is refused where it is parsed."""
CODEC_LIMIT: Final = 128
"""RTP has 128 payload types."""
TEXT_LIMIT: Final = 255


class Kind(IntEnum):
    """The first octet of a frame. Below 64 from the controller, from 64 on from the worker."""

    OPEN = 1
    CONFIGURE = 2
    START = 3
    SET_MASK = 4
    STOP = 5
    BEEP = 6
    CLOSE = 7
    RECORD = 8
    RECORD_TO = 9
    RECORD_FROM = 10
    READY = 64
    PRESSED = 65
    MASK_CHANGED = 66
    CLOSED = 67
    LOAD = 68
    FAILED = 69
    HELD = 70


class FrameError(ValueError):
    """A frame that cannot be built or read. The message never holds its content."""


_HEAD: Final = struct.Struct("!BI")
_KEY: Final = struct.Struct("!BBd")
_HELD: Final = struct.Struct("!Bd")
_ADDRESS: Final = struct.Struct("!HH")
_CODEC: Final = struct.Struct("!BIB")
_LEG: Final = struct.Struct("!BBH")
_COUNTS: Final = struct.Struct(f"!{len(fields(FlowCounters))}Q")
_LOAD: Final = struct.Struct("!IIQQQQQ")

_LEGS: Final = tuple(Leg)
_MODES: Final = tuple(MaskMode)
_CARRIERS: Final = tuple(Carrier)
_DIRECTIONS: Final = tuple(Direction)
_SUITES: Final = tuple(SrtpSuite)
PLAIN: Final = 0xFF
"""In place of a suite: the leg is not secured."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker says of itself every few seconds: open calls, its share of a core in 1/1000, resident octets, datagrams since its
    start, and packets of recorded calls that were not recorded."""

    calls: int
    busy_permille: int
    memory: int
    datagrams_in: int
    datagrams_out: int
    send_failures: int
    unrecorded: int


def kind_of(frame: memoryview) -> tuple[Kind, int]:
    """The kind of a frame and its call's number (0 where it concerns no call)."""
    if len(frame) < _HEAD.size:
        raise FrameError("frame: shorter than its head")
    kind, call = _HEAD.unpack_from(frame)
    try:
        return Kind(kind), call
    except ValueError:
        raise FrameError("frame: unknown kind") from None


def plain_frame(kind: Kind, call: int = 0) -> bytearray:
    """A frame that says no more than its kind and its call."""
    return bytearray(_HEAD.pack(kind, call))


def mode_frame(kind: Kind, call: int, mode: MaskMode) -> bytearray:
    """START, SET_MASK or MASK_CHANGED."""
    return plain_frame(kind, call) + bytes((_MODES.index(mode),))


def read_mode(frame: memoryview) -> MaskMode:
    """The mode of a START, SET_MASK or MASK_CHANGED."""
    return _MODES[frame[_HEAD.size]]


def key_frame(kind: Kind, call: int, key: Key, carrier: Carrier, onset: float) -> bytearray:
    """BEEP or PRESSED. The caller overwrites it as soon as it is sent (PCI DSS 3.3: a digit is kept no longer than needed)."""
    frame = bytearray(_HEAD.size + _KEY.size)
    _HEAD.pack_into(frame, 0, kind, call)
    _KEY.pack_into(frame, _HEAD.size, event_code(key), _CARRIERS.index(carrier), onset)
    return frame


def read_key(frame: memoryview) -> tuple[Key, Carrier, float]:
    """The key, its carrier and its onset from a BEEP or PRESSED."""
    code, carrier, onset = _KEY.unpack_from(frame, _HEAD.size)
    return Key.from_event(code), _CARRIERS[carrier], onset


def held_frame(call: int, carrier: Carrier, until: float) -> bytearray:
    """HELD: how long the key was down that a carrier told of last. It names no key, so that a key crosses once."""
    return plain_frame(Kind.HELD, call) + _HELD.pack(_CARRIERS.index(carrier), until)


def read_held(frame: memoryview) -> tuple[Carrier, float]:
    """The carrier and the moment from a HELD."""
    carrier, until = _HELD.unpack_from(frame, _HEAD.size)
    return _CARRIERS[carrier], until


def _text(value: str, name: str) -> bytes:
    octets = value.encode()
    if len(octets) > TEXT_LIMIT:
        raise FrameError(f"{name}: longer than {TEXT_LIMIT} octets")
    return bytes((len(octets),)) + octets


def _codecs(codecs: tuple[Codec, ...]) -> bytes:
    if len(codecs) > CODEC_LIMIT:
        raise FrameError(f"codecs: more than {CODEC_LIMIT}")
    parts = [bytes((len(codecs),))]
    for codec in codecs:
        parts += [
            _CODEC.pack(codec.payload_type, codec.clock_rate, codec.channels),
            _text(codec.name, "codec name"),
            _text(codec.fmtp, "fmtp"),
        ]
    return b"".join(parts)


def _lock(frame: bytearray, security: Srtp | None) -> None:
    """What secures a leg, behind a frame: the suite, then the keys, which are written into their place so that no other holds them."""
    if security is None:
        frame.append(PLAIN)
        return
    size = security.suite.key_octets
    if security.sends.length != size or security.receives.length != size:
        raise FrameError("srtp: a key has not the length of its suite")
    frame.append(_SUITES.index(security.suite))
    start = len(frame)
    frame += bytes(2 * size)
    for place, key in ((start, security.sends), (start + size, security.receives)):
        with open_media_key(key) as octets:
            frame[place : place + size] = octets


def configure_frame(call: int, leg: Leg, media: LegMedia) -> bytearray:
    """CONFIGURE. It may hold keys of SRTP, so it is overwritten once it is sent, as one that holds a keypad's is."""
    remote = media.remote
    frame = plain_frame(Kind.CONFIGURE, call)
    frame += _LEG.pack(_LEGS.index(leg), _DIRECTIONS.index(media.direction), media.ptime_ms)
    frame += _ADDRESS.pack(remote.port, remote.rtcp_port) + _text(remote.host, "media host")
    frame += _codecs(media.codecs) + _codecs(media.telephone_events) + _codecs(media.redundancy)
    _lock(frame, media.security)
    if len(frame) > FRAME_LIMIT:
        raise FrameError("codecs: their parameters are too long together")
    return frame


class _Reader:
    """Reads a frame's fields one after another."""

    def __init__(self, frame: memoryview, start: int) -> None:
        self._frame = frame
        self._at = start

    def take(self, layout: struct.Struct) -> tuple[int, ...]:
        values = layout.unpack_from(self._frame, self._at)
        self._at += layout.size
        return values

    def octet(self) -> int:
        self._at += 1
        return self._frame[self._at - 1]

    def text(self) -> str:
        length = self.octet()
        self._at += length
        return str(self._frame[self._at - length : self._at], "utf-8")

    def codecs(self) -> tuple[Codec, ...]:
        found = []
        for _ in range(self.octet()):
            payload_type, clock_rate, channels = self.take(_CODEC)
            name = self.text()
            found.append(Codec(payload_type, name, clock_rate, channels, self.text()))
        return tuple(found)

    def security(self) -> Srtp | None:
        number = self.octet()
        if number == PLAIN:
            return None
        suite = _SUITES[number]
        return Srtp(suite, self.key(suite.key_octets), self.key(suite.key_octets))

    def key(self, size: int) -> MediaKey:
        self._at += size
        return MediaKey(bytearray(self._frame[self._at - size : self._at]))


def read_configure(frame: memoryview) -> tuple[Leg, LegMedia]:
    """The leg and its media from a CONFIGURE."""
    reader = _Reader(frame, _HEAD.size)
    leg, direction, ptime_ms = reader.take(_LEG)
    port, rtcp_port = reader.take(_ADDRESS)
    remote = MediaAddress(reader.text(), port, rtcp_port)
    codecs, events, redundancy = reader.codecs(), reader.codecs(), reader.codecs()
    media = LegMedia(remote, codecs, events, ptime_ms, _DIRECTIONS[direction], reader.security(), redundancy)
    return _LEGS[leg], media


def record_frame(call: int, name: str) -> bytearray:
    """RECORD: what this call's legs are sent is to be recorded under a name. To be sent before its first CONFIGURE."""
    return plain_frame(Kind.RECORD, call) + _text(name, "recording's name")


def read_record(frame: memoryview) -> str:
    """The name from a RECORD."""
    return _Reader(frame, _HEAD.size).text()


def failed_frame(number: int) -> bytearray:
    """FAILED: a recording came to an end before its call, for a reason of errno(3)."""
    return plain_frame(Kind.FAILED, number)


def read_failed(frame: memoryview) -> int:
    """The reason from a FAILED."""
    return kind_of(frame)[1]


def closed_frame(call: int, counters: FlowCounters) -> bytearray:
    """CLOSED: the call's ports are free; what was counted."""
    return plain_frame(Kind.CLOSED, call) + _COUNTS.pack(*astuple(counters))


def read_closed(frame: memoryview) -> FlowCounters:
    """The counters from a CLOSED."""
    return FlowCounters(*_COUNTS.unpack_from(frame, _HEAD.size))


def load_frame(load: Load) -> bytearray:
    """LOAD."""
    return plain_frame(Kind.LOAD) + _LOAD.pack(*astuple(load))


def read_load(frame: memoryview) -> Load:
    """What a LOAD says."""
    return Load(*_LOAD.unpack_from(frame, _HEAD.size))
