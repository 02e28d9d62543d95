"""What a relay worker tells the recorder, as octets: calls that begin and end, packets that were sent. Many go in one message."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

BATCH_LIMIT: Final = 16_384
"""Octets of a message: some eighty packets of 20 ms. The system copies it whole."""
PAYLOAD_LIMIT: Final = 2_048
NAME_LIMIT: Final = 255


class Act(IntEnum):
    """The first octet of an entry."""

    BEGIN = 1
    SENT = 2
    END = 3


@dataclass(frozen=True, slots=True)
class Begun:
    """A call is to be recorded under a name."""

    call: int
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A packet was sent: by side 0 to the agent, by side 1 to the customer; at `at` in monotonic seconds."""

    call: int
    side: int
    codec: int
    timestamp: int
    at: float
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """A call is over."""

    call: int


Entry = Begun | Sent | Ended

_CLOCK: Final = struct.Struct("!d")
_NAMED: Final = struct.Struct("!BIB")
_SENT: Final = struct.Struct("!BIBBIdH")
_ENDED: Final = struct.Struct("!BI")


def begun_entry(call: int, name: str) -> bytes:
    """BEGIN. Raises ValueError for a name that is too long."""
    octets = name.encode()
    if len(octets) > NAME_LIMIT:
        raise ValueError(f"name: longer than {NAME_LIMIT} octets")
    return _NAMED.pack(Act.BEGIN, call, len(octets)) + octets


def sent_entry(call: int, side: int, codec: int, timestamp: int, at: float, payload: bytes) -> bytes:  # noqa: PLR0917 - one for each packet: names would cost
    """SENT."""
    return _SENT.pack(Act.SENT, call, side, codec, timestamp, at, len(payload)) + payload


def ended_entry(call: int) -> bytes:
    """END."""
    return _ENDED.pack(Act.END, call)


def batch(entries: list[bytes], now: float) -> bytes:
    """One message: the sender's time, and its entries since the last."""
    return _CLOCK.pack(now) + b"".join(entries)


def read_batch(message: bytes) -> tuple[float, Iterator[Entry]]:
    """The sender's time and its entries. Raises struct.error or ValueError where it is no batch."""
    (now,) = _CLOCK.unpack_from(message)
    return now, _entries(message)


def _entries(message: bytes) -> Iterator[Entry]:
    place = _CLOCK.size
    while place < len(message):
        match Act(message[place]):
            case Act.BEGIN:
                _, call, length = _NAMED.unpack_from(message, place)
                place += _NAMED.size + length
                yield Begun(call, message[place - length : place].decode())
            case Act.SENT:
                _, call, side, codec, timestamp, at, length = _SENT.unpack_from(message, place)
                place += _SENT.size + length
                yield Sent(call, side, codec, timestamp, at, message[place - length : place])
            case Act.END:
                _, call = _ENDED.unpack_from(message, place)
                place += _ENDED.size
                yield Ended(call)
