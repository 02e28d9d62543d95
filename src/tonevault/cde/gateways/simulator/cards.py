"""The test cards and test amounts, in one table that the adapter obeys and docs/test-cards.md prints. They are published numbers."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.gateways.simulator import outcomes
from tonevault.cde.gateways.simulator.outcomes import Outcome
from tonevault.kernel.card import Brand


@dataclass(frozen=True, slots=True)
class SimulatedCard:
    """A number that the payment industry uses for tests, and what the simulator does with it."""

    number: bytes
    brand: Brand
    outcome: Outcome = outcomes.APPROVED


CARDS: Final = (
    SimulatedCard(b"4242424242424242", Brand.VISA),
    SimulatedCard(b"4111111111111111", Brand.VISA),
    SimulatedCard(b"4222222222222", Brand.VISA),
    SimulatedCard(b"5555555555554444", Brand.MASTERCARD),
    SimulatedCard(b"2223003122003222", Brand.MASTERCARD),
    SimulatedCard(b"378282246310005", Brand.AMEX),
    SimulatedCard(b"6011111111111117", Brand.DISCOVER),
    SimulatedCard(b"30569309025904", Brand.DINERS),
    SimulatedCard(b"3566002020360505", Brand.JCB),
    SimulatedCard(b"6200000000000005", Brand.UNIONPAY),
    SimulatedCard(b"6205500000000000004", Brand.UNIONPAY),
    SimulatedCard(b"6759649826438453", Brand.MAESTRO),
    SimulatedCard(b"4000000000009995", Brand.VISA, outcomes.INSUFFICIENT_FUNDS),
    SimulatedCard(b"4000000000000002", Brand.VISA, outcomes.DO_NOT_HONOUR),
    SimulatedCard(b"4000000000009987", Brand.VISA, outcomes.LOST_CARD),
    SimulatedCard(b"4000000000009979", Brand.VISA, outcomes.STOLEN_CARD),
    SimulatedCard(b"4000000000000069", Brand.VISA, outcomes.EXPIRED_CARD),
    SimulatedCard(b"4000000000006975", Brand.VISA, outcomes.LIMIT_EXCEEDED),
    SimulatedCard(b"4000000000000127", Brand.VISA, outcomes.INCORRECT_SECURITY_CODE),
    SimulatedCard(b"4000000000000036", Brand.VISA, outcomes.POSTAL_CODE_MISMATCH),
    SimulatedCard(b"4000000000000028", Brand.VISA, outcomes.ADDRESS_MISMATCH),
    SimulatedCard(b"4000000000000010", Brand.VISA, outcomes.ADDRESS_AND_POSTAL_MISMATCH),
    SimulatedCard(b"4100000000000019", Brand.VISA, outcomes.ACQUIRER_REJECTED),
    SimulatedCard(b"4000000000004954", Brand.VISA, outcomes.FRAUD_SUSPECTED),
    SimulatedCard(b"4000000000009201", Brand.VISA, outcomes.CONSENT_REVOKED),
    SimulatedCard(b"4000000000009219", Brand.VISA, outcomes.TRY_AGAIN_LATER),
    SimulatedCard(b"4000000000000119", Brand.VISA, outcomes.PROCESSING_ERROR),
    SimulatedCard(b"4000000000002024", Brand.VISA, outcomes.SLOW),
    SimulatedCard(b"4000000000005050", Brand.VISA, outcomes.SLOWER),
    SimulatedCard(b"4000000000009003", Brand.VISA, outcomes.TIMEOUT_APPROVED),
    SimulatedCard(b"4000000000009011", Brand.VISA, outcomes.TIMEOUT_DECLINED),
    SimulatedCard(b"4000000000009029", Brand.VISA, outcomes.TIMEOUT_LOST),
    SimulatedCard(b"4000000000009037", Brand.VISA, outcomes.TIMEOUT_LAGGING),
    SimulatedCard(b"4000000000009045", Brand.VISA, outcomes.TIMEOUT_SILENT),
)
"""A valid number that is not in the table is approved."""

AMOUNTS: Final[dict[int, Outcome]] = {
    100_001: outcomes.INSUFFICIENT_FUNDS,
    100_002: outcomes.DO_NOT_HONOUR,
    100_003: outcomes.LOST_CARD,
    100_004: outcomes.STOLEN_CARD,
    100_005: outcomes.EXPIRED_CARD,
    100_006: outcomes.LIMIT_EXCEEDED,
    100_007: outcomes.INCORRECT_SECURITY_CODE,
    100_008: outcomes.POSTAL_CODE_MISMATCH,
    100_009: outcomes.PROCESSING_ERROR,
    100_010: outcomes.SLOW,
    100_011: outcomes.SLOWER,
    100_012: outcomes.TIMEOUT_APPROVED,
    100_013: outcomes.TIMEOUT_DECLINED,
    100_014: outcomes.TIMEOUT_LOST,
    100_015: outcomes.TIMEOUT_LAGGING,
    100_016: outcomes.TIMEOUT_SILENT,
    100_017: outcomes.ADDRESS_MISMATCH,
    100_018: outcomes.ADDRESS_AND_POSTAL_MISMATCH,
    100_019: outcomes.ACQUIRER_REJECTED,
    100_020: outcomes.FRAUD_SUSPECTED,
    100_021: outcomes.CONSENT_REVOKED,
    100_022: outcomes.TRY_AGAIN_LATER,
}
"""Amounts in minor units (100002 is 1,000.02) that steer any card which would be approved, captures and refunds too."""


def choose(number: memoryview, amount_minor: int) -> Outcome:
    """What the simulator does: the card decides, then the amount. The digits are compared in place and not copied."""
    outcome = next((card.outcome for card in CARDS if number == card.number), outcomes.APPROVED)
    return AMOUNTS.get(amount_minor, outcome) if outcome is outcomes.APPROVED else outcome


def choose_by_amount(amount_minor: int) -> Outcome:
    """What a capture, void or refund meets: no card is with it, so the amount alone decides."""
    outcome = AMOUNTS.get(amount_minor, outcomes.APPROVED)
    return outcomes.APPROVED if outcome.when_given is not None else outcome
