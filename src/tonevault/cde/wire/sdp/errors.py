"""What can be wrong with a session description: it cannot be read, or it can and nobody could talk over it. Neither repeats its input."""

from enum import IntEnum
from typing import Final

WARN_TEXT_LIMIT: Final = 160
"""A warning is read in a trace by a person: one line."""


class WarningCode(IntEnum):
    """RFC 3261 section 20.43: the warn-codes about a session description."""

    INCOMPATIBLE_ADDRESS = 301
    INCOMPATIBLE_TRANSPORT = 302
    MEDIA_TYPE_NOT_AVAILABLE = 304
    INCOMPATIBLE_FORMAT = 305
    MULTICAST_NOT_AVAILABLE = 330
    MISCELLANEOUS = 399


class SdpError(Exception):
    """Root of this folder's faults."""


class MalformedSdpError(SdpError):
    """The text is not a session description: `line` counts from 1, `rule` says what RFC 8866 asks for. Answered 400."""

    def __init__(self, line: int, rule: str) -> None:
        super().__init__(f"session description, line {line}: {rule}")
        self.line = line
        self.rule = rule


class UnacceptableSdpError(SdpError):
    """The description is sound, and its audio cannot be relayed. Answered 488 with a Warning header of `code` and `text`."""

    def __init__(self, code: WarningCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text[:WARN_TEXT_LIMIT]


class OfferAnswerError(SdpError):
    """An offer while another is open, or an answer to none (RFC 3264 section 4): a fault of the caller, not of the peer."""
