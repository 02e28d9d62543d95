"""What a peer demands of us with a request: extensions that we must know (Require), and kinds of body that it takes (Accept)."""

from typing import Final

from tonevault.cde.edge.description import SDP_TYPE
from tonevault.cde.edge.refusal import RefusalError
from tonevault.cde.wire.sip import reliable, session_timer
from tonevault.cde.wire.sip.message import Request

SUPPORTED_EXTENSIONS: Final = frozenset({reliable.OPTION, session_timer.OPTION})
"""Option tags that a peer may require (RFC 3262, RFC 4028)."""
TAKES_DESCRIPTIONS: Final = frozenset({SDP_TYPE, "application/*", "*/*"})


def check_extensions(request: Request) -> None:
    """Raises RefusalError 420 for an extension that we do not know, and SipParseError for tags that are no list."""
    unknown = [tag for tag in request.headers.get_list("Require") if tag.lower() not in SUPPORTED_EXTENSIONS]
    if unknown:
        # RFC 3261 section 8.2.2.3 has the refused tags repeated; the core has checked that they are a list.
        raise RefusalError(420, headers=(("Unsupported", ", ".join(unknown)),))


def check_accept(request: Request) -> None:
    """Raises RefusalError 406 for a caller who takes no description: all that an answer of ours can hold (RFC 4475 section 3.3.15)."""
    kinds = {kind.partition(";")[0].strip().lower() for kind in request.headers.get_list("Accept")}
    if kinds and kinds.isdisjoint(TAKES_DESCRIPTIONS):
        raise RefusalError(406)
