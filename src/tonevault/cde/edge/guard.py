"""The guard of signalling: what of the customer's messages reaches the agent during a capture. What it does not know stays."""

from typing import Final

from tonevault.cde.edge.call import Call
from tonevault.cde.edge.header_policy import passing
from tonevault.cde.edge.key_body import PLAIN_TYPE, RELAY_TYPE, duration_s
from tonevault.cde.media import Leg
from tonevault.cde.wire.sip.message import Message, Response

HARMLESS_TYPES: Final = frozenset({"application/media_control+xml"})
"""A body that no key can ride on and that should not wait: a request for a video picture (RFC 5168)."""

KEY_TYPES: Final = frozenset(
    {
        RELAY_TYPE,
        PLAIN_TYPE,
        "application/vnd.nortelnetworks.digits",
        "application/hook-flash",
        "application/kpml-request+xml",
        "application/kpml-response+xml",
        "application/telephone-event",
        "audio/telephone-event",
    }
)
"""Bodies that carry keys: the two that are read, and those that are only kept back (KPML is RFC 4730)."""

INFO_TRANSIT_S: Final = 0.5
"""A key sent when it is released can be lost once and come half a second later (RFC 3261, T1)."""


def is_sealed(call: Call, source: Leg) -> bool:
    """Whether nothing free-form of this leg may pass to the other: the customer's words during a capture (PCI DSS 3.3)."""
    return source is Leg.CUSTOMER and call.capture is not None


def passed_headers(call: Call, source: Leg, message: Message) -> list[tuple[str, str]]:
    """The headers that the other leg gets: none from the customer during a capture, as a gateway may put keys into any of them."""
    return [] if is_sealed(call, source) else passing(message.headers, call.route.blocked_headers)


def passed_reason(call: Call, source: Leg, response: Response) -> str:
    """The reason phrase that the other leg gets; "" stands for the usual one."""
    return "" if is_sealed(call, source) else response.reason


def body_passes(call: Call, source: Leg, message: Message) -> bool:
    """Whether the body of a request may pass unchanged."""
    return not message.body or not is_sealed(call, source) or message.content_type in HARMLESS_TYPES


def came_late(call: Call, source: Leg, message: Message, now: float) -> bool:
    """Whether a key that is told only now was pressed before the last capture closed, by the length that it claims.

    Such a key belongs to nobody any more: the capture is over, and the agent was never to have it.
    """
    if source is not Leg.CUSTOMER or call.capture_ended is None or message.content_type not in KEY_TYPES:
        return False
    return now - duration_s(message.body) - INFO_TRANSIT_S < call.capture_ended
