"""Which way a stream flows (RFC 3264 section 6.1): turning it round, and meeting of an offer's direction with an answer's."""

from tonevault.cde.media import Direction
from tonevault.cde.wire.sdp.model import MediaDescription, SessionDescription


def direction_of(description: SessionDescription, media: MediaDescription) -> Direction:
    """The direction as the writer of the description sees it; the stream's own attribute overrides the session's."""
    for holder in (media, description):
        for direction in Direction:
            if holder.attributes(direction.value):
                return direction
    return Direction.SENDRECV


def direction_from(*, sends: bool, receives: bool) -> Direction:
    """The direction of one side that sends, or receives, or both."""
    match sends, receives:
        case True, True:
            return Direction.SENDRECV
        case True, False:
            return Direction.SENDONLY
        case False, True:
            return Direction.RECVONLY
        case _:
            return Direction.INACTIVE


def sends(direction: Direction) -> bool:
    """Whether the side that this direction belongs to sends media."""
    return direction in {Direction.SENDRECV, Direction.SENDONLY}


def receives(direction: Direction) -> bool:
    """Whether the side that this direction belongs to receives media."""
    return direction in {Direction.SENDRECV, Direction.RECVONLY}


def reverse(direction: Direction) -> Direction:
    """The same flow, seen from the other side."""
    return direction_from(sends=receives(direction), receives=sends(direction))


def meet(one: Direction, other: Direction) -> Direction:
    """What both allow, seen from the same side: an answer can narrow what an offer opened, never widen it."""
    return direction_from(
        sends=sends(one) and sends(other),
        receives=receives(one) and receives(other),
    )
