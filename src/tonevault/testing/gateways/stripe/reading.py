"""The double's Stripe, read: objects by id, and lists by the time of making. Look-ups may lag and stay silent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tonevault.cde.gateway import Kind
from tonevault.testing.gateways.behaviour import Step
from tonevault.testing.gateways.ledger import Entry
from tonevault.testing.gateways.stripe import form, objects
from tonevault.testing.gateways.stripe.desk import Answer, GarbledError
from tonevault.testing.gateways.stripe.form import Form
from tonevault.testing.gateways.stripe.refusal import missing, of_fault
from tonevault.testing.gateways.stripe.webhooks import event_object
from tonevault.testing.gateways.turn import NoAnswerError, Turn

FAR_FUTURE = 1e12


@dataclass(slots=True)
class Reading:
    """One request that changes nothing."""

    turn: Turn
    merchant: str
    form: Form

    def intent(self, intent_id: str) -> Answer:
        """An intent."""
        entry = self.turn.ledger.entry(self.merchant, intent_id)
        self._meet(Step.LOOK_UP, entry.reference if entry else "")
        if entry is None:
            raise missing("intent")
        if self.turn.now() < entry.heard_at:
            raise NoAnswerError
        return self._shown(entry)

    def intents(self) -> Answer:
        """PaymentIntents, the newest first."""
        self._meet(Step.LIST, "")
        since, until = self._window()
        entries = self.turn.ledger.between(self.merchant, since, until)
        found = [self._shown(each) for each in reversed(entries) if each.kind is Kind.PAYMENT]
        return self._page(found, "/v1/payment_intents")

    def refunds(self) -> Answer:
        """Refunds of one payment, or all."""
        payment = form.text(self.form, "payment_intent")
        self._meet(Step.LOOK_UP if payment else Step.LIST, "")
        now = self.turn.now()
        entries = (
            self.turn.ledger.children(self.merchant, payment)
            if payment
            else self.turn.ledger.between(self.merchant, *self._window())
        )
        if payment and any(now < each.heard_at for each in entries):
            raise NoAnswerError
        seen = [each for each in reversed(entries) if each.kind is Kind.REFUND and now >= each.visible_at]
        return self._page([objects.refund(each) for each in seen], "/v1/refunds")

    def events(self) -> Answer:
        """Events of the types asked for, the newest first."""
        self._meet(Step.LIST, "")
        since, until = self._window()
        types = set(form.values(self.form, "types"))
        told = [
            event_object(each)
            for each in reversed(self.turn.ledger.told(self.merchant))
            if since <= each.made_at < until and (not types or each.type in types)
        ]
        return self._page(told, "/v1/events")

    def _shown(self, entry: Entry) -> Mapping[str, object]:
        return objects.intent(entry, self.turn.now(), form.values(self.form, "expand"))

    def _window(self) -> tuple[float, float]:
        since = form.text(self.form, "created", "gte")
        until = form.text(self.form, "created", "lt")
        return float(since or 0), float(until or FAR_FUTURE)

    def _page(self, found: Sequence[Mapping[str, object]], url: str) -> Answer:
        limit = int(form.text(self.form, "limit") or 10)
        return objects.page(found, url, limit, form.text(self.form, "starting_after"))

    def _meet(self, step: Step, reference: str) -> None:
        behaviour = self.turn.meet(step, reference)
        if behaviour.fault is not None:
            raise of_fault(behaviour.fault) or GarbledError
