"""Transfers: Refer-To and its Replaces (RFC 3515, RFC 3891), and the NOTIFYs that tell how the transfer goes (RFC 3420 fragments)."""

import re
from dataclasses import dataclass
from enum import Enum

from tonevault.cde.wire.sip.dialog import Dialog, DialogId
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import WHITESPACE
from tonevault.cde.wire.sip.message import Message, Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.parameters import Parameters
from tonevault.cde.wire.sip.response import reason_of
from tonevault.cde.wire.sip.reticent import Reticent
from tonevault.cde.wire.sip.uri import SipUri

SIPFRAG_TYPE = "message/sipfrag"

_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: |\r|\n|\Z)")


@dataclass(frozen=True, slots=True, repr=False)
class Replaces(Reticent):
    """The dialog that a new INVITE takes the place of, as its receiver knows it: `to_tag` is the receiver's own tag."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> "Replaces":
        """From the header value, or that of a Refer-To URI with its escapes undone. Raises SipParseError."""
        call_id, _, rest = text.partition(";")
        parameters = Parameters.parse(rest.strip(WHITESPACE), "Replaces")
        to_tag, from_tag = parameters.get("to-tag"), parameters.get("from-tag")
        if not call_id.strip(WHITESPACE) or not to_tag or not from_tag:
            raise SipParseError("Replaces", "has a Call-ID, a to-tag and a from-tag (RFC 3891 section 3)")
        return cls(call_id.strip(WHITESPACE), to_tag, from_tag, "early-only" in parameters)

    @property
    def dialog_id(self) -> DialogId:
        """The dialog of ours that is meant. A tag of 0 stands for none (RFC 3891 section 3)."""
        return DialogId(self.call_id, *("" if tag == "0" else tag for tag in (self.to_tag, self.from_tag)))

    def text(self) -> str:
        """The wire text."""
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@dataclass(frozen=True, slots=True, repr=False)
class ReferTo(Reticent):
    """Where the receiver of a REFER is to call: `uri` without headers, and the dialog to replace in an attended transfer."""

    uri: SipUri
    replaces: Replaces | None
    method: str = "INVITE"

    @classmethod
    def of(cls, request: Request) -> "ReferTo":
        """From a REFER, which holds exactly one (RFC 3515 section 2.4.2). Raises SipParseError."""
        values = request.headers.get_all("Refer-To")
        if len(values) != 1:
            raise SipParseError("Refer-To", "stands once")
        uri = NameAddr.parse(values[0], "Refer-To").uri
        replaces = uri.header("Replaces")
        method = uri.parameters.get("method") or "INVITE"
        return cls(uri.without_headers(), None if replaces is None else Replaces.parse(replaces), method)


class SubscriptionState(Enum):
    """The states of a refer subscription (RFC 6665 section 4.1.3)."""

    PENDING = "pending"
    ACTIVE = "active"
    TERMINATED = "terminated"


def subscription_state_of(message: Message) -> SubscriptionState:
    """Of a NOTIFY. Raises SipParseError."""
    value = message.headers.get("Subscription-State") or ""
    try:
        return SubscriptionState(value.partition(";")[0].strip(WHITESPACE).lower())
    except ValueError:
        raise SipParseError("Subscription-State", "is pending, active or terminated") from None


def wants_no_subscription(request: Request) -> bool:
    """Whether a REFER declines the NOTIFYs: `Refer-Sub: false` (RFC 4488)."""
    return (request.headers.get("Refer-Sub") or "").partition(";")[0].strip(WHITESPACE).lower() == "false"


def make_notify(
    dialog: Dialog, status: int, *, contact: SipUri, refer_cseq: int | None = None, expires_s: int = 60
) -> Request:
    """A NOTIFY in the REFER's dialog that the transfer is at `status` (100 to 699); a final one ends the subscription.

    `refer_cseq` names the REFER when it was not the dialog's first (RFC 3515 section 2.4.6).
    """
    body = f"SIP/2.0 {status} {reason_of(status)}\r\n".encode()
    request = dialog.request("NOTIFY", contact=contact, body=body, content_type=f"{SIPFRAG_TYPE};version=2.0")
    request.headers.add("Event", "refer" if refer_cseq is None else f"refer;id={refer_cseq}")
    state = f"active;expires={expires_s}" if status < 200 else "terminated;reason=noresource"
    request.headers.add("Subscription-State", state)
    return request


def status_of_notify(request: Request) -> int:
    """The status of the transfer that a NOTIFY tells, 100 to 699. Raises SipParseError."""
    if request.content_type != SIPFRAG_TYPE:
        raise SipParseError(
            "Content-Type", "is message/sipfrag in a NOTIFY of a transfer (RFC 3515 section 2.4.4)"
        )
    status_line = _STATUS_LINE.match(request.body)
    if status_line is None:
        raise SipParseError("body", "begins with a status line (RFC 3515 section 2.4.5)")
    return int(status_line[1])
