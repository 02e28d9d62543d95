"""What the panel shows for one agent: the live calls, and the chosen call with its payment box. Reads from the desk's services."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tonevault.boundary.calls import CallState
from tonevault.desk.calls.model import PhoneCall
from tonevault.desk.panel.box import Box, box_of
from tonevault.desk.panel.outcome import PastPayment, past_payment
from tonevault.desk.panel.wording import CALL_ENDED, CALL_ENDS, CALL_STATES, SECURED_LEGS
from tonevault.desk.sessions.model import Session

CURRENCIES: Final = (
    "GBP",
    "EUR",
    "USD",
    "CHF",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "AUD",
    "CAD",
    "NZD",
    "JPY",
)
"""What the panel offers; the API takes every currency of the kernel."""
UNKNOWN_CALLER: Final = "Number withheld"


@dataclass(frozen=True, slots=True)
class CallLine:
    """One live call in the list."""

    id: str
    title: str
    route: str
    state: str
    state_text: str
    started: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The chosen call. `secured` says on which legs its voice is encrypted, `ended` why it is over, in words."""

    call_id: str
    title: str
    subtitle: str
    call_state: str
    call_state_text: str
    secured: str
    ended: str
    box: Box
    history: tuple[PastPayment, ...]
    currencies: tuple[str, ...]
    currency: str


def line_of(call: PhoneCall) -> CallLine:
    """A call in the list; its clock runs from the answer."""
    return CallLine(
        call.id, title_of(call), call.route, call.state, CALL_STATES[call.state], _iso(call.answered_at)
    )


def stage_of(call: PhoneCall, sessions: Sequence[Session], currency: str, *, may_act: bool) -> Stage:
    """The chosen call with its sessions, newest first. `currency` is offered first, unless the next start has one."""
    newest = sessions[0] if sessions else None
    numbers = [
        f"calls from {call.caller}" if call.caller else "",
        f"to {call.called}" if call.called else "",
        f"on {call.route}",
    ]
    words = " ".join(each for each in numbers if each)
    reference = (
        f" · {call.customer.reference}" if call.customer is not None and call.customer.reference else ""
    )
    box = box_of(newest, call=call.state, may_act=may_act)
    if box.start is not None and box.start.currency:
        currency = box.start.currency
    offered = CURRENCIES if currency in CURRENCIES else (currency, *CURRENCIES)
    ended = call.state is CallState.ENDED
    return Stage(
        call_id=call.id,
        title=title_of(call),
        subtitle=words[:1].upper() + words[1:] + reference,
        call_state=call.state,
        call_state_text=CALL_STATES[call.state],
        secured="" if ended else SECURED_LEGS[call.secured.customer, call.secured.agent],
        ended=CALL_ENDS.get(call.end_reason or "", CALL_ENDED) if ended else "",
        box=box,
        history=tuple(past_payment(each) for each in sessions[1:]),
        currencies=offered,
        currency=currency,
    )


def title_of(call: PhoneCall) -> str:
    """The customer's name, else the number, else that there is none."""
    if call.customer is not None:
        return call.customer.name
    return call.caller or UNKNOWN_CALLER


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat()
