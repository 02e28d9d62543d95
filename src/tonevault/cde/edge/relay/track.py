"""Where a source's numbers stand, and how they become its stream's: what the compiled loop knows of a path. It refuses whatever is not
plainly the next packet."""

import ctypes
from ctypes import c_char_p, c_double, c_int64, c_uint8, c_uint32, c_uint64
from pathlib import Path
from typing import Final

from tonevault.cde.edge.relay.media_socket import LARGEST_DATAGRAM
from tonevault.kernel.compiled import Compiled

LANES: Final = Compiled(Path(__file__).with_name("liblanes.so"), "the compiled loops of the relay")
CLOSED: Final = 0
"""No header of RTP has a number as low: nothing goes on directly."""
JUMP_S: Final = 2.0
"""A timestamp that is this far from where the clock says it should be has jumped: the sender began its count anew."""

_Place = c_uint8 * LARGEST_DATAGRAM


class Track(ctypes.Structure):
    """`c/lanes.h` has the same. All zeros: closed."""

    newest: int
    """Header of the source's newest packet, carried or not, as one number: first octet, payload type, sequence number and timestamp in a
    row. So one addition moves both counts, as long as neither begins again at 0."""
    stride: int
    """What a next packet adds to `newest`."""
    last: int
    """The highest number that may go on directly, or CLOSED."""
    shift: int
    """What makes the source's number the stream's, modulo 2^64."""
    heard_at: float
    """When the newest packet came, in monotonic seconds."""
    step_s: float
    """From one packet to the next."""
    jitter_s: float
    """RFC 3550 section 6.4.1, but in seconds."""
    packets: int
    octets: int
    """Carried since they were counted last."""
    table: bytes | None
    """Changes the law of each octet of voice, if it must change; 256 octets."""
    ssrc: int
    stream_ssrc: int

    _fields_ = (
        ("newest", c_uint64),
        ("stride", c_uint64),
        ("last", c_uint64),
        ("shift", c_uint64),
        ("heard_at", c_double),
        ("step_s", c_double),
        ("jitter_s", c_double),
        ("packets", c_int64),
        ("octets", c_int64),
        ("table", c_char_p),
        ("ssrc", c_uint32),
        ("stream_ssrc", c_uint32),
    )

    def forward(self, datagram: bytes, now: float) -> bytes | None:
        """The datagram that is sent for one that the source sent, if that is plainly its next voice packet; None, and nothing done, if it
        needs looking at."""
        length = len(datagram)
        if length > LARGEST_DATAGRAM:
            return None
        place = _Place()
        ctypes.memmove(place, datagram, length)
        carried = LANES.function("track_forward", "ppid")(ctypes.addressof(self), place, length, now)
        return ctypes.string_at(place, length) if carried else None
