"""What a campaign does: the gateways' types, and the sales, each known by its number alone, so that every process does the same."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.till import number
from tonevault.boundary.charges import Taking
from tonevault.boundary.operations import OperationKind
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.kernel.ids import CHARGE, ChargeId, OperationId, make_id

TIMEOUT_S: Final = 0.06
"""How long an answer is waited for: short, so that many silences fit into a run."""
CARDS: Final = (b"4242424242424242", b"5555555555554444", b"4000000000000002", b"378282246310005")


class GatewayType(StrEnum):
    """What a gateway promises, and so what the engine may rely on."""

    IDEMPOTENT = "idempotent"
    NOT_IDEMPOTENT = "not idempotent"
    LAGGING = "lagging look-up"

    @property
    def visibility_lag_s(self) -> float:
        """What the adapter declares; a lagging one shows its payments after half of it.

        A gateway must keep this promise for the count to mean anything: this one lives in a process that a busy machine may
        stall for the best part of a second, with a request under way.
        """
        return 4.0 if self is GatewayType.LAGGING else 2.0

    @property
    def shows_after_s(self) -> float:
        return 2.0 if self is GatewayType.LAGGING else 0.0


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale: how it is paid, and what follows."""

    charge_id: ChargeId
    index: int
    minor: int
    capture: Taking
    then: tuple[tuple[OperationKind, int | None], ...]

    def card(self) -> CardNumber:
        return number(CARDS[self.index % len(CARDS)])

    def operation_id(self, step: int) -> OperationId:
        letters = self.charge_id.partition("_")[2]
        turned = letters[step + 1 :] + letters[: step + 1]
        return OperationId(f"{self.then[step][0].prefix}_{turned}")


def sales(count: int, seed: int) -> list[Sale]:
    """Three in five are plain payments; one is held and captured or voided; one is refunded in parts."""
    dice = random.Random(seed)
    out = []
    for index in range(count):
        minor = 100 + index % 900
        then: tuple[tuple[OperationKind, int | None], ...] = ()
        capture = Taking.AUTOMATIC
        match index % 5:
            case 3:
                capture = Taking.MANUAL
                then = ((OperationKind.VOID if index % 2 else OperationKind.CAPTURE, None),)
            case 4:
                then = ((OperationKind.REFUND, 40), (OperationKind.REFUND, None))
            case _:
                pass
        charge_id = ChargeId(make_id(CHARGE, index, dice.randrange))
        out.append(Sale(charge_id, index, minor, capture, then))
    return out
