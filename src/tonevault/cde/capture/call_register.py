"""The live calls as the desk may see them. What a carrier signalled and the boundary refuses is left out, never passed on."""

from collections.abc import Collection
from typing import Final

from pydantic import TypeAdapter, ValidationError

from tonevault.boundary.calls import CallState, CallView, SecuredLegs
from tonevault.boundary.notices import CallChanged
from tonevault.boundary.text import PhoneNumber, Words
from tonevault.cde.capture.notice_board import NoticeBoard
from tonevault.cde.capture.ports import CallFacts
from tonevault.cde.media import Leg
from tonevault.kernel.ids import CallId

_PHONE_NUMBER: Final[TypeAdapter[str]] = TypeAdapter(PhoneNumber)
_WORDS: Final[TypeAdapter[str]] = TypeAdapter(Words)


class CallRegister:
    """Every call that is up; changes go to the notice board."""

    def __init__(self, board: NoticeBoard, hushed_routes: Collection[str] = ()) -> None:
        """On a route in `hushed_routes` captures mute the customer towards the agent unless the agent says otherwise."""
        self._board = board
        self._hushed_routes = frozenset(hushed_routes)
        self._calls: dict[CallId, CallView] = {}

    def find(self, call_id: CallId) -> CallView | None:
        """A call that is up."""
        return self._calls.get(call_id)

    def all(self) -> list[CallView]:
        """Every call that is up, in the order of arrival."""
        return list(self._calls.values())

    def changed(self, facts: CallFacts) -> CallView:
        """The switch tells of a call: it is shown as it stands, and forgotten once it is over."""
        known = self._calls.get(facts.call_id)
        view = CallView(
            call_id=facts.call_id,
            account_id=facts.account,
            route=facts.route,
            state=facts.state,
            caller=_clean(_PHONE_NUMBER, facts.caller),
            called=_clean(_PHONE_NUMBER, facts.called),
            customer_header=_clean(_WORDS, facts.customer_ref),
            started_at=facts.started_at,
            answered_at=facts.answered_at,
            ended_at=facts.ended_at,
            end_reason=facts.end_reason,
            hushed=known.hushed if known else facts.route in self._hushed_routes,
            secured=SecuredLegs(customer=Leg.CUSTOMER in facts.secured, agent=Leg.AGENT in facts.secured),
        )
        if view.state is CallState.ENDED:
            self._calls.pop(view.call_id, None)
        else:
            self._calls[view.call_id] = view
        if view != known:
            self._board.publish(CallChanged(call=view))
        return view

    def hush(self, call: CallView, *, on: bool) -> CallView:
        """Remember how the agent wants captures of this call."""
        if call.hushed is on:
            return call
        changed = call.model_copy(update={"hushed": on})
        self._calls[call.call_id] = changed
        self._board.publish(CallChanged(call=changed))
        return changed


def _clean(rule: TypeAdapter[str], text: str | None) -> str | None:
    """A value from a SIP header, or None where it breaks the boundary's rule: it may be anything, a card number included."""
    if text is None:
        return None
    try:
        return rule.validate_python(text)
    except ValidationError:
        return None
