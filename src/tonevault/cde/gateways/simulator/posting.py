"""What became of one reference at the simulated gateway, and what a payment still allows: pure rules, no storage."""

from dataclasses import dataclass
from datetime import datetime

from tonevault.cde.gateway import Code, GatewayAnswer, Kind, Verdict
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Posting:
    """One reference and its outcome. Look-ups find it from `visible_at` on, and are answered at all from `heard_at` on."""

    account_id: AccountId
    reference: str
    kind: Kind
    money: Money
    answer: GatewayAnswer
    at: datetime
    visible_at: datetime
    heard_at: datetime
    of_reference: str | None = None

    @property
    def is_approved(self) -> bool:
        """Whether it was done."""
        return self.answer.verdict is Verdict.APPROVED

    def asks_the_same(self, other: "Posting") -> bool:
        """Whether a request under this reference is the one that made the posting."""
        mine = (self.kind, self.money, self.of_reference)
        return mine == (other.kind, other.money, other.of_reference)


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that really moved, once: what a bank statement would show. A capture or payment takes; a refund or void gives back."""

    reference: str
    kind: Kind
    money: Money
    of_reference: str | None = None


def refusal(payment: Posting | None, follow_ups: list[Posting], asked: Posting) -> Code | None:
    """Why a payment, with all that followed it, does not allow what is asked; None where it does."""
    done = [each for each in follow_ups if each.is_approved]
    captured = sum(each.money.amount_minor for each in done if each.kind is Kind.CAPTURE)
    given_back = sum(each.money.amount_minor for each in done if each.kind is Kind.REFUND)
    voided = any(each.kind is Kind.VOID for each in done)
    is_payment = payment is not None and payment.kind is Kind.PAYMENT and payment.is_approved
    right = (
        payment is not None
        and is_payment
        and not voided
        and payment.money.currency == asked.money.currency
        and asked.money.amount_minor > 0
    )
    match asked.kind:
        case Kind.CAPTURE:
            held = payment is not None and not payment.answer.taken and not captured
            fits = payment is not None and asked.money.amount_minor <= payment.money.amount_minor
            return None if right and held and fits else Code.NOT_CAPTURABLE
        case Kind.VOID:
            return None if right and not captured and not given_back else Code.NOT_VOIDABLE
        case _:
            taken = payment.money.amount_minor if payment is not None and payment.answer.taken else captured
            return None if right and given_back + asked.money.amount_minor <= taken else Code.NOT_REFUNDABLE
