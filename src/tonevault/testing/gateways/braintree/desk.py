"""The double's Braintree at work on one request of one merchant: sales, settlement, voids, refunds, verifications."""

import random
import string
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Final

from tonevault.cde.gateway import Check, Kind
from tonevault.kernel.money import MINOR_DIGITS
from tonevault.testing.gateways.behaviour import PLAIN, Behaviour, Shown, Step, by_card, card_name
from tonevault.testing.gateways.braintree import objects
from tonevault.testing.gateways.braintree.declines import LETTERS, spelling
from tonevault.testing.gateways.braintree.markup import Tree, Value, text
from tonevault.testing.gateways.braintree.refusal import invalid, of_fault, refused, status
from tonevault.testing.gateways.ledger import Document, Entry, Told
from tonevault.testing.gateways.turn import Turn

DONE: Final = frozenset({"authorized", "submitted_for_settlement", "settled", "verified"})
_random = random.SystemRandom()

Answer = tuple[str, dict[str, Value]]
"""The root's name, and what stands in it."""


def new_id() -> str:
    """An id as Braintree makes them, of letters alone."""
    return "".join(_random.choices(string.ascii_lowercase, k=8))


@dataclass(slots=True)
class Desk:
    """One request. Methods answer with Braintree's XML or raise RefusalError, NoAnswerError.

    `currencies`: merchant account to currency. `duplicate_window_s`: the duplicate check; `settles_after_s`: until then money
    that was taken is only submitted.
    """

    turn: Turn
    merchant: str
    tree: Tree
    currencies: dict[str, str]
    duplicate_window_s: float
    settles_after_s: float

    def sale(self) -> Answer:
        """A sale, held or submitted for settlement."""
        reference = text(self.tree, "order_id") or ""
        currency = self._currency("merchant_account_id")
        amount = self._amount(currency)
        card, last4 = self._card("credit_card")
        behaviour = self._meet(Step.AUTHORISE, reference, by_card(card, amount, self._shown("billing")))
        now = self.turn.now()
        decision = spelling(behaviour)
        taken = text(self.tree, "options", "submit_for_settlement") == "true"
        with self.turn.ledger.deed():
            if self._seen_just_now(reference, amount, card + last4):
                behaviour = replace(behaviour, native="duplicate")
                decision = spelling(behaviour)
            approved = "submitted_for_settlement" if taken else "authorized"
            state = decision.status if decision else approved
            history = (
                [[state, now, amount]]
                if decision or not taken
                else [["authorized", now, amount], [state, now, amount]]
            )
            entry = Entry(
                merchant=self.merchant,
                entry_id=new_id(),
                kind=Kind.PAYMENT,
                reference=reference,
                amount_minor=amount,
                currency=currency,
                state=state,
                made_at=now,
                visible_at=now + behaviour.look_up_lag_s if behaviour.look_up_lag_s else 0.0,
                heard_at=now + behaviour.silent_look_up_s if behaviour.silent_look_up_s else 0.0,
                document={
                    "said": self._said(behaviour, "billing"),
                    "history": history,
                    "merchant_account": text(self.tree, "merchant_account_id"),
                    "last4": last4,
                    "card": card + last4,
                    "source": text(self.tree, "transaction_source"),
                    "vault": text(self.tree, "external_vault", "status"),
                    "previous": text(self.tree, "external_vault", "previous_network_transaction_id"),
                },
            )
            self.turn.ledger.put(entry)
            if taken and decision is None:
                self.turn.ledger.move(entry, Kind.PAYMENT, amount, reference, now)
                self._tell("transaction_settled", entry)
        return self._answered(entry, behaviour)

    def verify(self) -> Answer:
        """A verification. It is never found by a reference: it has none."""
        currency = self._currency("options", "merchant_account_id")
        card, last4 = self._card("credit_card")
        behaviour = self._meet(
            Step.VERIFY, "", by_card(card, 0, self._shown("credit_card", "billing_address"))
        )
        decision = spelling(behaviour)
        now = self.turn.now()
        entry = Entry(
            merchant=self.merchant,
            entry_id=new_id(),
            kind=Kind.VERIFICATION,
            reference="",
            amount_minor=0,
            currency=currency,
            state=decision.status if decision else "verified",
            made_at=now,
            document={"said": self._said(behaviour, "credit_card", "billing_address"), "last4": last4},
        )
        self.turn.ledger.put(entry)
        if decision is not None:
            raise refused({"verification": objects.verification(entry)}, [])
        self._fail_after(behaviour)
        return "verification", objects.verification(entry)

    def submit(self, transaction_id: str) -> Answer:
        """Held money is taken, all or a part."""
        entry = self.entry(transaction_id)
        amount = self._amount(entry.currency) if text(self.tree, "amount") else entry.amount_minor
        behaviour = self._meet(Step.CAPTURE, entry.reference, by_card("plain", amount, Shown()))
        with self.turn.ledger.deed():
            entry = self.entry(transaction_id)
            if entry.state != "authorized":
                raise invalid("91507")
            if not 0 < amount <= entry.amount_minor:
                raise invalid("91522", "amount")
            entry = self._step(entry, "submitted_for_settlement", amount)
            entry = replace(entry, document={**entry.document, "captured": amount})
            self.turn.ledger.put(entry)
            self.turn.ledger.move(entry, Kind.CAPTURE, amount, entry.reference, self.turn.now())
            self._tell("transaction_settled", entry)
        self._fail_after(behaviour)
        return "transaction", objects.transaction(entry)

    def void(self, transaction_id: str) -> Answer:
        """What is not settled yet is let go."""
        entry = self.entry(transaction_id)
        behaviour = self._meet(Step.VOID, entry.reference)
        with self.turn.ledger.deed():
            entry = self.entry(transaction_id)
            if entry.state not in ("authorized", "submitted_for_settlement"):
                raise invalid("91504")
            if entry.state == "submitted_for_settlement":
                self.turn.ledger.move(entry, Kind.VOID, self._taken(entry), entry.reference, self.turn.now())
            entry = self._step(entry, "voided", self._taken(entry))
            self.turn.ledger.put(entry)
        self._fail_after(behaviour)
        return "transaction", objects.transaction(entry)

    def refund(self, transaction_id: str) -> Answer:
        """Settled money is given back, never more than was taken."""
        payment = self.entry(transaction_id)
        reference = text(self.tree, "order_id") or payment.reference
        amount = self._amount(payment.currency) if text(self.tree, "amount") else self._taken(payment)
        behaviour = self._meet(Step.REFUND, reference, by_card("plain", amount, Shown()))
        with self.turn.ledger.deed():
            payment = self.entry(transaction_id)
            if payment.state != "settled":
                raise invalid("91506")
            given = sum(
                each.amount_minor for each in self.turn.ledger.children(self.merchant, transaction_id)
            )
            if given >= self._taken(payment):
                raise invalid("91512")
            if not 0 < amount <= self._taken(payment) - given:
                raise invalid("91521", "amount")
            now = self.turn.now()
            entry = Entry(
                merchant=self.merchant,
                entry_id=new_id(),
                kind=Kind.REFUND,
                reference=reference,
                amount_minor=amount,
                currency=payment.currency,
                state="submitted_for_settlement",
                made_at=now,
                of_entry=transaction_id,
                visible_at=now + behaviour.look_up_lag_s if behaviour.look_up_lag_s else 0.0,
                document={
                    "said": {},
                    "history": [["submitted_for_settlement", now, amount]],
                    "merchant_account": payment.document["merchant_account"],
                    "last4": payment.document["last4"],
                },
            )
            self.turn.ledger.put(entry)
            self.turn.ledger.move(entry, Kind.REFUND, amount, reference, now)
        self._fail_after(behaviour)
        return "transaction", objects.transaction(entry)

    def entry(self, transaction_id: str) -> Entry:
        """A transaction, settled by now if its time has come."""
        entry = self.turn.ledger.entry(self.merchant, transaction_id)
        if entry is None:
            raise status(404)
        return settled(entry, self.turn.now(), self.settles_after_s)

    def _answered(self, entry: Entry, behaviour: Behaviour) -> Answer:
        if entry.state not in DONE:
            raise refused({"transaction": objects.transaction(entry)}, [])
        self._fail_after(behaviour)
        return "transaction", objects.transaction(entry)

    def _seen_just_now(self, reference: str, amount: int, card: str) -> bool:
        since = self.turn.now() - self.duplicate_window_s
        return any(
            each.made_at > since
            and each.amount_minor == amount
            and each.document.get("card") == card
            and each.state in DONE
            for each in self.turn.ledger.by_reference(self.merchant, reference)
        )

    def _step(self, entry: Entry, state: str, amount: int) -> Entry:
        history = entry.document["history"]
        steps = [*history, [state, self.turn.now(), amount]] if isinstance(history, list) else []
        return replace(entry, state=state, document={**entry.document, "history": steps})

    def _taken(self, entry: Entry) -> int:
        captured = entry.document.get("captured")
        return captured if isinstance(captured, int) else entry.amount_minor

    def _said(self, behaviour: Behaviour, *address: str) -> Document:
        decision = spelling(behaviour)
        given_code = text(self.tree, "credit_card", "cvv") is not None
        said: dict[str, object] = {
            "avs_postal_code_response_code": self._letter(behaviour.postal_code, *address, "postal_code"),
            "avs_street_address_response_code": self._letter(behaviour.address, *address, "street_address"),
            "cvv_response_code": LETTERS[behaviour.security_code or Check.PASSED] if given_code else "I",
        }
        if decision is None:
            return said | {
                "processor_response_code": "1000",
                "processor_response_type": "approved",
                "network_transaction_id": f"nti{new_id()}",
            }
        if decision.rejection:
            return said | {"gateway_rejection_reason": decision.rejection}
        hardness = "hard_declined" if decision.hard else "soft_declined"
        return said | {"processor_response_code": decision.response, "processor_response_type": hardness}

    def _letter(self, asked: Check | None, *path: str) -> str:
        return LETTERS[asked or Check.PASSED] if text(self.tree, *path) else "I"

    def _shown(self, *address: str) -> Shown:
        return Shown(
            security_code=text(self.tree, "credit_card", "cvv") is not None,
            postal_code=text(self.tree, *address, "postal_code"),
            address_line=text(self.tree, *address, "street_address"),
        )

    def _card(self, *path: str) -> tuple[str, str]:
        """The name of the card's behaviour and its last four digits, which are all that is kept."""
        number = text(self.tree, *path, "number") or ""
        if not number.isdigit() or not 12 <= len(number) <= 19:
            raise invalid("81716", "number")
        return card_name(number), number[-4:]

    def _currency(self, *path: str) -> str:
        currency = self.currencies.get(text(self.tree, *path) or "")
        if currency is None:
            raise invalid("91513", "merchant_account_id")
        return currency

    def _amount(self, currency: str) -> int:
        try:
            amount = Decimal(text(self.tree, "amount") or "").scaleb(MINOR_DIGITS[currency])
        except InvalidOperation:
            raise invalid("81503", "amount") from None
        if amount != int(amount) or amount <= 0:
            raise invalid("81531", "amount")
        return int(amount)

    def _tell(self, kind: str, entry: Entry) -> None:
        document = {
            "id": entry.entry_id,
            "status": entry.state,
            "type": "sale",
            "order_id": entry.reference,
            "amount": objects.decimal(self._taken(entry), entry.currency),
            "currency_iso_code": entry.currency,
        }
        self.turn.ledger.tell(Told(self.merchant, new_id() + new_id(), kind, self.turn.now(), document))

    def _meet(self, step: Step, reference: str, usual: Behaviour = PLAIN) -> Behaviour:
        behaviour = self.turn.meet(step, reference, usual)
        if behaviour.fault is not None and not behaviour.done:
            raise of_fault(behaviour.fault)
        return behaviour

    def _fail_after(self, behaviour: Behaviour) -> None:
        if behaviour.fault is not None:
            raise of_fault(behaviour.fault)


def settled(entry: Entry, now: float, after_s: float) -> Entry:
    """The nightly batch: what was submitted long enough ago is settled."""
    history = entry.document.get("history")
    if (
        entry.state != "submitted_for_settlement"
        or not isinstance(history, list)
        or entry.kind is not Kind.PAYMENT
    ):
        return entry
    if now - history[-1][1] < after_s:
        return entry
    return replace(entry, state="settled")
