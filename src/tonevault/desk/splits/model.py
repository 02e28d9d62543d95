"""A split: its parts, and the next step that the state of their charges asks for. Pure; nothing is remembered but the charges."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from tonevault.boundary.charges import ChargeState, Taking
from tonevault.desk.payments.model import Charge
from tonevault.kernel.ids import ChargeId, TokenId

NO_HOLD: Final = "feature_not_supported"
"""The gateway cannot hold: the part is charged at once, and refunded should another fail."""
PAID: Final = frozenset({ChargeState.SUCCEEDED})
HELD: Final = frozenset({ChargeState.AUTHORISED})
GONE: Final = frozenset(
    {ChargeState.DECLINED, ChargeState.FAILED, ChargeState.CANCELED, ChargeState.REFUNDED}
)


class SplitState(StrEnum):
    """`failed`: not all parts could be had. What was taken of the others was given back, but for parts that are `unresolved`."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One card's share. `unresolved`: it was taken or held and could not be undone; see to it by hand."""

    token: TokenId
    amount: int
    charge_id: ChargeId
    capture: Taking
    state: ChargeState | None = None
    code: str | None = None
    advice: str | None = None
    unresolved: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """An amount in minor units over several cards."""

    id: str
    amount: int
    currency: str
    description: str
    state: SplitState
    parts: tuple[SplitPart, ...]
    created_at: datetime
    updated_at: datetime

    def with_charges(self, charges: Sequence[Charge | None], now: datetime) -> "Split":
        """The split as its charges stand."""
        parts = tuple(
            part
            if charge is None
            else replace(part, state=charge.state, code=charge.code, advice=charge.advice)
            for part, charge in zip(self.parts, charges, strict=True)
        )
        return replace(self, parts=parts, updated_at=now)

    def ended(self, state: SplitState, now: datetime) -> "Split":
        """All that could be done was done."""
        stuck = PAID | HELD | {ChargeState.PARTIALLY_REFUNDED, ChargeState.UNKNOWN, ChargeState.PENDING}
        parts = tuple(
            replace(part, unresolved=state is SplitState.FAILED and part.state in stuck)
            for part in self.parts
        )
        return replace(self, state=state, parts=parts, updated_at=now)


class Act(StrEnum):
    """What is to be done with one part."""

    CHARGE = "charge"
    CHARGE_AT_ONCE = "charge_at_once"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Step:
    """The parts to act on; none where something is under way. `ends` says how the split came out."""

    acts: tuple[tuple[int, Act], ...] = ()
    ends: SplitState | None = None


def next_step(split: Split, failed_acts: frozenset[tuple[int, Act]]) -> Step:
    """What the charges' states ask for. `failed_acts`: captures, voids and refunds that were tried and refused."""
    states = [part.state for part in split.parts]
    missing = [n for n, state in enumerate(states) if state is None]
    if missing:
        return Step(tuple((n, Act.CHARGE) for n in missing))
    if any(state in (ChargeState.PENDING, ChargeState.UNKNOWN) for state in states):
        return Step()
    unheld = [
        n for n, part in enumerate(split.parts) if part.code == NO_HOLD and part.capture is Taking.MANUAL
    ]
    if unheld:
        return Step(tuple((n, Act.CHARGE_AT_ONCE) for n in unheld))
    broken = any(state in GONE for state in states) or any(act is Act.CAPTURE for _, act in failed_acts)
    if not broken:
        held = [n for n, state in enumerate(states) if state in HELD]
        if held:
            return Step(tuple((n, Act.CAPTURE) for n in held))
        return Step(ends=SplitState.SUCCEEDED)
    undo = [
        (n, Act.VOID if state in HELD else Act.REFUND)
        for n, state in enumerate(states)
        if state in HELD | PAID | {ChargeState.PARTIALLY_REFUNDED}
    ]
    open_acts = tuple(each for each in undo if each not in failed_acts)
    return Step(open_acts) if open_acts else Step(ends=SplitState.FAILED)
