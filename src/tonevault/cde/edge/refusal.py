"""Refusing a request: the status, the reason, and the headers that show the way out. Nothing of the request is repeated."""

from typing import Final

from tonevault.cde.edge.signalling import Signalling
from tonevault.cde.wire.sdp.errors import MalformedSdpError, SdpError, UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.response import make_response

WARNING_AGENT: Final = "tonevault"
"""RFC 3261 section 20.43 wants a host or a pseudonym; the pseudonym tells no address."""

ALLOWED: Final = (
    *("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE"),
    *("INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE"),
)
"""The methods that the edge takes part in."""
ALLOW: Final = ", ".join(ALLOWED)


class RefusalError(Exception):
    """A request that is answered by `status` and goes no further. The reason is ours."""

    def __init__(self, status: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.reason = reason
        self.headers = headers


def of_description(error: SdpError) -> RefusalError:
    """What a description's fault deserves: 400 for one that cannot be read, 488 with a Warning for one that cannot be relayed."""
    match error:
        case MalformedSdpError():
            return RefusalError(
                400, "Malformed Session Description", (warning(WarningCode.MISCELLANEOUS, str(error)),)
            )
        case UnacceptableSdpError():
            return RefusalError(488, headers=(warning(error.code, error.text),))
        case _:
            return RefusalError(500, "Offer Out Of Order", (("Retry-After", "2"),))


def warning(code: WarningCode, text: str) -> tuple[str, str]:
    """A Warning header (RFC 3261 section 20.43); the text is ours and holds no quotes."""
    return "Warning", f'{code.value} {WARNING_AGENT} "{text}"'


def refuse(
    signalling: Signalling,
    key: ServerKey,
    request: Request,
    refusal: RefusalError,
    *,
    to_tag: str | None = None,
) -> None:
    """Answer the request with the refusal."""
    tag = to_tag if to_tag is not None else signalling.new_tag()
    response = make_response(request, refusal.status, refusal.reason, to_tag=tag)
    for name, value in refusal.headers:
        response.headers.add(name, value)
    signalling.respond(key, response)
