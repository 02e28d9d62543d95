"""The relay worker's end of recording: what it sends is told to the recorder too, if that keeps up. It refuses to wait and to grow."""

import socket
from collections import deque
from typing import Final

from tonevault.cde.edge.relay.direct_path import Datagram, Outbox
from tonevault.cde.edge.relay.recorded_call import CODECS
from tonevault.cde.edge.relay.recording_batch import (
    BATCH_LIMIT,
    PAYLOAD_LIMIT,
    batch,
    begun_entry,
    ended_entry,
    sent_entry,
)
from tonevault.cde.media import Codec, Leg, LegMedia
from tonevault.cde.wire.rtp import HEADER, HEADER_OCTETS, MARKER

WAITING_LIMIT: Final = 4 * 1024 * 1024
"""Octets that wait for a recorder whose disk is slow: two seconds of a hundred calls. What comes then is not recorded."""
GATHER_S: Final = 0.02
"""What is sent within a packet's time goes in one message."""
HEARTBEAT_S: Final = 0.2
"""So often the recorder is told the time, even where nobody speaks: what is silent is to be written too."""
_NUMBERS: Final = {(codec.name, codec.clock_rate, codec.channels): n for n, codec in enumerate(CODECS)}


class RecordingFeed:
    """All recorded calls of one worker. `now` is set by the loop before each turn."""

    def __init__(self) -> None:
        self.now = 0.0
        self.missed = 0
        """Packets that were not recorded, because the recorder did not keep up or was not there."""
        self._socket: socket.socket | None = None
        self._names: dict[int, str] = {}
        self._entries: list[bytes] = []
        self._octets = 0
        self._waiting: deque[bytes] = deque()
        self._waiting_octets = 0
        self._told_at = 0.0

    def connect(self, end: socket.socket) -> None:
        """Another recorder, the first or one in a dead one's place: it is told of every call anew."""
        if self._socket is not None:
            self._socket.close()
        end.setblocking(False)
        self._socket = end
        self._entries.clear()
        self._waiting.clear()
        self._octets = self._waiting_octets = 0
        for call, name in self._names.items():
            self._add(begun_entry(call, name))

    def begin(self, call: int, name: str) -> None:
        """A call is to be recorded."""
        self._names[call] = name
        self._add(begun_entry(call, name))

    def end(self, call: int) -> None:
        """A call is over; nothing, if it was not recorded."""
        if self._names.pop(call, None) is not None:
            self._add(ended_entry(call))

    def sent(self, call: int, side: int, codec: int, datagram: bytes) -> None:
        """An RTP packet that was built here goes to a leg."""
        if self._socket is None or self._waiting_octets > WAITING_LIMIT or len(datagram) > PAYLOAD_LIMIT:
            self.missed += 1
            return
        timestamp = HEADER.unpack_from(datagram)[3]
        self._add(sent_entry(call, side, codec, timestamp, self.now, datagram[HEADER_OCTETS:]))

    def _add(self, entry: bytes) -> None:
        if self._octets + len(entry) > BATCH_LIMIT:
            self._close_batch()
        self._entries.append(entry)
        self._octets += len(entry)

    def _close_batch(self) -> None:
        message = batch(self._entries, self.now)
        self._waiting.append(message)
        self._waiting_octets += len(message)
        self._entries.clear()
        self._octets = 0
        self._told_at = self.now

    def flush(self) -> None:
        """Tell the recorder what there is, as far as it listens."""
        if self._socket is None or not (self._names or self._entries or self._waiting):
            return
        if self.now - self._told_at >= (GATHER_S if self._entries else HEARTBEAT_S):
            self._close_batch()
        while self._waiting:
            try:
                self._socket.send(self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                # The recorder died. Another comes by `connect`; until then nothing is recorded.
                self._socket.close()
                self._socket = None
                return
            self._waiting_octets -= len(self._waiting.popleft())


class RecordingTap:
    """Stands before the outbox of one leg of a recorded call. Telephone-events and what cannot be decoded go by unrecorded."""

    def __init__(self, feed: RecordingFeed, call: int, leg: Leg, media: LegMedia, outbox: Outbox) -> None:
        self._feed = feed
        self._call = call
        self._side = 0 if leg is Leg.AGENT else 1
        self._outbox = outbox
        self._codecs = {
            codec.payload_type: number for codec in media.codecs if (number := _number(codec)) is not None
        }

    def append(self, item: Datagram, /) -> None:
        """A packet on its way to the leg, not yet locked."""
        datagram = item[1]
        codec = self._codecs.get(datagram[1] & ~MARKER)
        if codec is not None:
            self._feed.sent(self._call, self._side, codec, datagram)
        self._outbox.append(item)


def _number(codec: Codec) -> int | None:
    return _NUMBERS.get((codec.name.upper(), codec.clock_rate, codec.channels))
