"""The double's Stripe at work on one request of one merchant: intents, captures, refunds, and what it tells of them."""

import json
import random
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tonevault.cde.gateway import Kind
from tonevault.testing.gateways.behaviour import PLAIN, Behaviour, Shown, Step, by_card, card_name
from tonevault.testing.gateways.ledger import Document, Entry, Told
from tonevault.testing.gateways.stripe import form, objects
from tonevault.testing.gateways.stripe.form import Form
from tonevault.testing.gateways.stripe.issuer import ask
from tonevault.testing.gateways.stripe.refusal import RefusalError, invalid, missing, of_fault
from tonevault.testing.gateways.turn import Turn

OPEN: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
"""States of an intent that may still be confirmed, or cancelled."""
_random = random.SystemRandom()

Answer = Mapping[str, object]


class GarbledError(Exception):
    """The answer is to be no JSON."""


def new_id(prefix: str) -> str:
    """An id as Stripe makes them, of letters alone."""
    return prefix + "".join(_random.choices(string.ascii_letters, k=24))


@dataclass(slots=True)
class Desk:
    """One request. Methods answer with Stripe's JSON or raise RefusalError, GarbledError, NoAnswerError."""

    turn: Turn
    merchant: str
    form: Form
    base_url: str

    def create_method(self) -> Answer:
        """A card is handed over; only the name of its behaviour, its last four digits and what came with it are kept."""
        self._meet(Step.PREPARE, self.turn.request.headers.get("idempotency-key", ""))
        number = form.text(self.form, "card", "number") or ""
        if not number.isdigit() or not 12 <= len(number) <= 19:
            raise RefusalError(
                402, "card_error", "incorrect_number", more={"decline_code": "incorrect_number"}
            )
        method_id = new_id("pm_")
        self.turn.ledger.note(
            self.merchant,
            method_id,
            {
                "card": card_name(number),
                "last4": number[-4:],
                "cvc": form.text(self.form, "card", "cvc") is not None,
                "postal_code": form.text(self.form, "billing_details", "address", "postal_code"),
                "line1": form.text(self.form, "billing_details", "address", "line1"),
            },
        )
        return {"id": method_id, "object": "payment_method", "type": "card", "card": {"last4": number[-4:]}}

    def create_intent(self, kind: Kind) -> Answer:
        """A PaymentIntent or SetupIntent is opened."""
        if form.table(self.form, "payment_method_types"):
            # Since API version 2026-09-30.endive.
            raise invalid("payment_method_types_no_longer_supported", param="payment_method_types")
        metadata = form.strings(self.form, "metadata")
        reference = metadata.get("tonevault_reference", "")
        self._meet(Step.PREPARE, reference)
        amount = 0
        if kind is Kind.PAYMENT:
            amount = int(form.text(self.form, "amount") or 0)
            if amount <= 0:
                raise invalid("parameter_invalid_integer", param="amount")
        now = self.turn.now()
        entry = Entry(
            merchant=self.merchant,
            entry_id=new_id("pi_" if kind is Kind.PAYMENT else "seti_"),
            kind=kind,
            reference=reference,
            amount_minor=amount,
            currency=form.text(self.form, "currency") or "",
            state="requires_payment_method",
            made_at=now,
            document={
                "metadata": metadata,
                "description": form.text(self.form, "description"),
                "setup_future_usage": form.text(self.form, "setup_future_usage"),
                "capture_method": form.text(self.form, "capture_method") or "automatic",
                "amount_captured": 0,
            },
        )
        self.turn.ledger.put(entry)
        return objects.intent(entry, now)

    def confirm(self, intent_id: str) -> Answer:
        """The issuer is asked."""
        entry = self._entry(intent_id)
        if form.text(self.form, "off_session") == "true" and entry.document.get("setup_future_usage"):
            # "You cannot set up future usages when processing payments off-session."
            raise invalid("parameter_invalid", param="off_session")
        method = self.turn.ledger.noted(self.merchant, form.text(self.form, "payment_method") or "")
        if method is None:
            raise missing("payment_method")
        behaviour = self._meet(
            Step.VERIFY if entry.kind is Kind.VERIFICATION else Step.AUTHORISE,
            entry.reference,
            self._usual(entry, method),
        )
        with self.turn.ledger.deed():
            entry = self._entry(intent_id)
            if entry.state not in OPEN:
                raise self._unexpected(entry)
            entry = self._confirmed(entry, method, behaviour)
            self.turn.ledger.put(entry)
        self._fail_after(behaviour)
        error = entry.document.get("error")
        if isinstance(error, dict):
            shown = objects.intent(entry, self.turn.now(), own_answer=True)
            which = "setup_intent" if entry.kind is Kind.VERIFICATION else "payment_intent"
            raise RefusalError(402, "card_error", more={**error, which: shown})
        return self._shown(entry)

    def complete_challenge(self, intent_id: str, *, passed: bool) -> str | None:
        """The card holder has answered the challenge; where the browser goes now."""
        with self.turn.ledger.deed():
            entry = self._entry(intent_id)
            method = self.turn.ledger.noted(self.merchant, str(entry.document.get("method")))
            if entry.state != "requires_action" or method is None:
                raise self._unexpected(entry)
            if passed:
                entry = self._asked(entry, method, PLAIN)
            else:
                error = {"type": "card_error", "code": "payment_intent_authentication_failure"}
                entry = replace(
                    entry,
                    state="requires_payment_method",
                    document={**entry.document, "next_action": None, "error": error},
                )
                self._tell("payment_intent.payment_failed", self._shown(entry))
            self.turn.ledger.put(entry)
        url = entry.document.get("return_url")
        return url if isinstance(url, str) else None

    def capture(self, intent_id: str) -> Answer:
        """Held money is taken, all or a part."""
        metadata = form.strings(self.form, "metadata")
        entry = self._entry(intent_id)
        amount = int(form.text(self.form, "amount_to_capture") or entry.amount_minor)
        reference = metadata.get("tonevault_capture", "")
        behaviour = self._meet(Step.CAPTURE, reference, by_card("plain", amount, Shown()))
        with self.turn.ledger.deed():
            entry = self._entry(intent_id)
            if entry.state != "requires_capture":
                raise self._unexpected(entry)
            if not 0 < amount <= entry.amount_minor:
                raise invalid("amount_too_large", param="amount_to_capture")
            merged = {**_strings(entry.document["metadata"]), **metadata}
            entry = self._seen_late(
                replace(
                    entry,
                    state="succeeded",
                    document={**entry.document, "metadata": merged, "amount_captured": amount},
                ),
                behaviour,
            )
            self.turn.ledger.put(entry)
            self.turn.ledger.move(entry, Kind.CAPTURE, amount, reference, self.turn.now())
            self._tell("payment_intent.succeeded", self._shown(entry))
        self._fail_after(behaviour)
        return self._shown(entry)

    def cancel(self, intent_id: str) -> Answer:
        """An intent ends; held money is let go."""
        entry = self._entry(intent_id)
        # What holds no money yet has none to let go.
        step = Step.VOID if entry.state == "requires_capture" else Step.PREPARE
        behaviour = self._meet(step, entry.reference)
        with self.turn.ledger.deed():
            entry = self._entry(intent_id)
            if entry.state not in (*OPEN, "requires_capture"):
                raise self._unexpected(entry)
            why = form.text(self.form, "cancellation_reason")
            document = {**entry.document, "next_action": None, "cancellation_reason": why}
            entry = self._seen_late(replace(entry, state="canceled", document=document), behaviour)
            self.turn.ledger.put(entry)
            self._tell("payment_intent.canceled", self._shown(entry))
        self._fail_after(behaviour)
        return self._shown(entry)

    def create_refund(self) -> Answer:
        """Money is given back, never more than was taken."""
        payment = self._entry(form.text(self.form, "payment_intent") or "")
        metadata = form.strings(self.form, "metadata")
        reference = metadata.get("tonevault_reference", "")
        amount = int(form.text(self.form, "amount") or payment.amount_minor)
        behaviour = self._meet(Step.REFUND, reference, by_card("plain", amount, Shown()))
        with self.turn.ledger.deed():
            payment = self._entry(payment.entry_id)
            taken = payment.document.get("amount_captured")
            if payment.state != "succeeded" or not isinstance(taken, int):
                raise self._unexpected(payment)
            given = sum(
                each.amount_minor for each in self.turn.ledger.children(self.merchant, payment.entry_id)
            )
            if given >= taken:
                raise invalid("charge_already_refunded")
            if amount > taken - given:
                raise invalid(param="amount")
            now = self.turn.now()
            entry = self._seen_late(
                Entry(
                    merchant=self.merchant,
                    entry_id=new_id("re_"),
                    kind=Kind.REFUND,
                    reference=reference,
                    amount_minor=amount,
                    currency=payment.currency,
                    state="succeeded",
                    made_at=now,
                    of_entry=payment.entry_id,
                    document={"metadata": metadata},
                ),
                behaviour,
            )
            self.turn.ledger.put(entry)
            self.turn.ledger.move(entry, Kind.REFUND, amount, reference, now)
            self._tell("refund.created", objects.refund(entry))
        self._fail_after(behaviour)
        return objects.refund(entry)

    def _usual(self, entry: Entry, method: Document) -> Behaviour:
        telephone = form.text(self.form, "payment_method_options", "card", "moto") == "true"
        postal_code, line1 = method["postal_code"], method["line1"]
        return by_card(
            str(method["card"]),
            entry.amount_minor,
            Shown(
                security_code=method["cvc"] is True,
                postal_code=postal_code if isinstance(postal_code, str) else None,
                address_line=line1 if isinstance(line1, str) else None,
            ),
            by_telephone=telephone,
        )

    def _confirmed(self, entry: Entry, method: Document, behaviour: Behaviour) -> Entry:
        if not behaviour.challenge:
            return self._asked(entry, method, behaviour)
        return_url = form.text(self.form, "return_url")
        if return_url is None:
            error = {
                "type": "card_error",
                "code": "authentication_required",
                "decline_code": "authentication_required",
            }
            return replace(entry, document={**entry.document, "error": error})
        redirect = {"url": f"{self.base_url}/challenge/{entry.entry_id}", "return_url": return_url}
        return replace(
            entry,
            state="requires_action",
            document={
                **entry.document,
                "method": form.text(self.form, "payment_method"),
                "return_url": return_url,
                "next_action": {"type": "redirect_to_url", "redirect_to_url": redirect},
            },
        )

    def _asked(self, entry: Entry, method: Document, behaviour: Behaviour) -> Entry:
        now = self.turn.now()
        verification = entry.kind is Kind.VERIFICATION
        held = entry.document["capture_method"] == "manual"
        more: Document = (
            {}
            if verification
            else {
                "object": "charge",
                "amount": entry.amount_minor,
                "currency": entry.currency,
                "payment_intent": entry.entry_id,
                "captured": not held,
            }
        )
        metadata = _strings(entry.document["metadata"])
        outcome = ask(new_id("setatt_" if verification else "ch_"), method, behaviour, metadata, more)
        taken = entry.amount_minor if not (outcome.decline or held or verification) else 0
        approved = "requires_capture" if held and not verification else "succeeded"
        state = "requires_payment_method" if outcome.decline else approved
        entry = self._seen_late(
            replace(
                entry,
                state=state,
                document={
                    **entry.document,
                    "attempt": outcome.attempt,
                    "error": outcome.error,
                    "next_action": None,
                    "amount_captured": taken,
                },
            ),
            behaviour,
        )
        if taken:
            self.turn.ledger.move(entry, Kind.PAYMENT, taken, entry.reference, now)
        self._tell_of(entry, outcome.attempt)
        return entry

    def _tell_of(self, entry: Entry, attempt: Document) -> None:
        name = "setup_intent" if entry.kind is Kind.VERIFICATION else "payment_intent"
        shown = self._shown(entry)
        match entry.state:
            case "succeeded":
                self._tell(f"{name}.succeeded", shown)
            case "requires_capture":
                self._tell(f"{name}.amount_capturable_updated", shown)
            case _:
                self._tell(
                    f"{name}.{'setup' if entry.kind is Kind.VERIFICATION else 'payment'}_failed", shown
                )
        if entry.kind is Kind.PAYMENT:
            self._tell("charge.succeeded" if attempt["status"] == "succeeded" else "charge.failed", attempt)

    def _tell(self, kind: str, document: Answer) -> None:
        self.turn.ledger.tell(Told(self.merchant, new_id("evt_"), kind, self.turn.now(), document))

    def _shown(self, entry: Entry) -> Answer:
        return objects.intent(entry, self.turn.now(), form.values(self.form, "expand"), own_answer=True)

    def _seen_late(self, entry: Entry, behaviour: Behaviour) -> Entry:
        now = self.turn.now()
        return replace(
            entry,
            visible_at=now + behaviour.look_up_lag_s if behaviour.look_up_lag_s else 0.0,
            heard_at=now + behaviour.silent_look_up_s if behaviour.silent_look_up_s else 0.0,
        )

    def _entry(self, entry_id: str) -> Entry:
        entry = self.turn.ledger.entry(self.merchant, entry_id)
        if entry is None:
            raise missing("intent")
        return entry

    def _unexpected(self, entry: Entry) -> RefusalError:
        kind = "setup_intent" if entry.kind is Kind.VERIFICATION else "payment_intent"
        return invalid(f"{kind}_unexpected_state")

    def _meet(self, step: Step, reference: str, usual: Behaviour = PLAIN) -> Behaviour:
        behaviour = self.turn.meet(step, reference, usual)
        if behaviour.fault is not None and not behaviour.done:
            self._fail_after(behaviour)
        return behaviour

    def _fail_after(self, behaviour: Behaviour) -> None:
        if behaviour.fault is not None:
            raise of_fault(behaviour.fault) or GarbledError


def _strings(document: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in document.items()} if isinstance(document, dict) else {}


def encode(answer: Answer) -> bytes:
    """The answer as it goes out."""
    return json.dumps(answer).encode()
