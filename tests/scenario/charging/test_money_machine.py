"""Payments against a simple model: holds, captures, voids, refunds, silences, restarts and passing time in any order."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from tests.till import ACCOUNT, Till, operation, request

from tonevault.boundary.charges import ChargeResult, ChargeState, Taking
from tonevault.boundary.operations import OperationKind, OperationState
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.gateway import Kind
from tonevault.cde.gateways.simulator.outcomes import (
    APPROVED,
    DO_NOT_HONOUR,
    TIMEOUT_APPROVED,
    TIMEOUT_DECLINED,
    TIMEOUT_LAGGING,
    TIMEOUT_LOST,
    Outcome,
)
from tonevault.kernel.ids import ChargeId

OUTCOMES = (
    APPROVED,
    APPROVED,
    DO_NOT_HONOUR,
    TIMEOUT_APPROVED,
    TIMEOUT_DECLINED,
    TIMEOUT_LAGGING,
    TIMEOUT_LOST,
)
HAPPENS = {APPROVED: True, TIMEOUT_APPROVED: True, TIMEOUT_LAGGING: True}
SILENT = (TIMEOUT_APPROVED, TIMEOUT_DECLINED, TIMEOUT_LAGGING, TIMEOUT_LOST)


SHARES = st.sampled_from((0.3, 0.5, 0.7, 1.0, 1.01))
"""Of the charge: thirds and halves add up to too much soon."""
PAYS = (APPROVED, APPROVED, APPROVED, DO_NOT_HONOUR, TIMEOUT_LAGGING, TIMEOUT_LOST)


@dataclass
class Known:
    """What the model holds of a charge: what truly happened at the gateway, and what we may not know yet."""

    minor: int
    held: bool
    happened: bool
    open: bool
    captured: int = 0
    refunded: int = 0
    voided: bool = False
    reserved: int = 0
    waiting: list[tuple[OperationKind, int, bool]] = field(default_factory=list)

    @property
    def state(self) -> ChargeState | None:
        """As our books must have it once nothing is open; None where the payment itself came to nothing."""
        if not self.happened:
            return None
        if self.voided:
            return ChargeState.CANCELED
        if self.held and not self.captured:
            return ChargeState.AUTHORISED
        if self.refunded:
            whole = self.refunded == self.captured
            return ChargeState.REFUNDED if whole else ChargeState.PARTIALLY_REFUNDED
        return ChargeState.SUCCEEDED

    def settle(self) -> None:
        """Look-ups have told everything."""
        self.open = False
        for kind, minor, happened in self.waiting:
            self.reserved -= minor if kind is OperationKind.REFUND else 0
            if happened:
                self.do(kind, minor)
        self.waiting.clear()

    def do(self, kind: OperationKind, minor: int) -> None:
        match kind:
            case OperationKind.CAPTURE:
                self.captured = minor
            case OperationKind.VOID:
                self.voided, self.captured = True, 0
            case _:
                self.refunded += minor

    def allows(self, kind: OperationKind, minor: int) -> bool:
        """Whether the engine may send this: what is not known counts as done."""
        busy = any(each is not OperationKind.REFUND for each, _, _ in self.waiting)
        if self.open or not self.happened or self.voided or busy:
            return False
        match kind:
            case OperationKind.CAPTURE:
                return self.held and not self.captured and 0 < minor <= self.minor
            case OperationKind.VOID:
                started = self.refunded or self.reserved
                return (self.held and not self.captured) or (not self.held and not started)
            case _:
                return 0 < minor <= self.captured - self.refunded - self.reserved


class MoneyMachine(RuleBasedStateMachine):
    """Each rule does one thing to the cashier and the model, and compares what they say."""

    charges = Bundle("charges")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.till = Till(Path(self.folder.name))
        self.token = self.runner.run(self.till.token()).token_id
        self.model: dict[ChargeId, Known] = {}

    def teardown(self) -> None:
        if hasattr(self, "till"):
            self.runner.run(self.till.close())
            self.runner.close()
            self.folder.cleanup()

    @rule(
        target=charges, outcome=st.sampled_from(PAYS), minor=st.sampled_from((10, 1000)), held=st.booleans()
    )
    def pay(self, outcome: Outcome, minor: int, held: bool) -> ChargeId:
        asked = request(self.token, minor).model_copy(
            update={"capture": Taking.MANUAL if held else Taking.AUTOMATIC}
        )
        self.till.simulator.play_next(outcome)
        result = self.runner.run(self.till.cashier.charge(asked))
        happened = HAPPENS.get(outcome, False)
        known = Known(minor, held, happened, outcome in SILENT)
        known.captured = minor if happened and not held else 0
        self.model[asked.charge_id] = known
        assert (result.state is ChargeState.UNKNOWN) is known.open
        return asked.charge_id

    @rule(charge=charges, outcome=st.sampled_from(OUTCOMES), share=SHARES)
    def refund(self, charge: ChargeId, outcome: Outcome, share: float) -> None:
        self._follow(charge, OperationKind.REFUND, outcome, share)

    @rule(charge=charges, first=st.sampled_from(SILENT), second=st.sampled_from(OUTCOMES), share=SHARES)
    def refund_twice_in_silence(
        self, charge: ChargeId, first: Outcome, second: Outcome, share: float
    ) -> None:
        """The moment that matters: nobody knows yet whether the first one was made."""
        self._follow(charge, OperationKind.REFUND, first, share)
        self._follow(charge, OperationKind.REFUND, second, share)

    @rule(charge=charges, outcome=st.sampled_from(OUTCOMES), share=SHARES)
    def capture(self, charge: ChargeId, outcome: Outcome, share: float) -> None:
        self._follow(charge, OperationKind.CAPTURE, outcome, share)

    @rule(charge=charges, outcome=st.sampled_from(OUTCOMES))
    def void(self, charge: ChargeId, outcome: Outcome) -> None:
        self._follow(charge, OperationKind.VOID, outcome, 1.0)

    def _follow(self, charge: ChargeId, kind: OperationKind, outcome: Outcome, share: float) -> None:
        minor = max(1, round(self.model[charge].minor * share))
        known = self.model[charge]
        minor = known.minor if kind is OperationKind.VOID else minor
        asked = operation(kind, charge, None if kind is OperationKind.VOID else minor)
        self.till.simulator.play_next(outcome)
        try:
            result = self.runner.run(self.till.cashier.operate(asked))
        except SecureZoneError:
            self.till.simulator._outcome()
            assert not known.allows(kind, minor)
            return
        assert known.allows(kind, minor)
        happened = HAPPENS.get(outcome, False)
        if outcome in SILENT:
            assert result.state is OperationState.UNKNOWN
            known.waiting.append((kind, minor, happened))
            known.reserved += minor if kind is OperationKind.REFUND else 0
        else:
            assert (result.state is OperationState.SUCCEEDED) is happened
            if happened:
                known.do(kind, minor)

    @rule()
    def settle(self) -> None:
        self.runner.run(self.till.settle())
        for known in self.model.values():
            known.settle()

    @rule()
    def restart(self) -> None:
        self.runner.run(self.till.reopen())
        self.runner.run(self.till.cashier.recover())

    @invariant()
    def books_and_bank_agree_with_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        moved = self.runner.run(self.till.simulator.movements(ACCOUNT))
        bank = sum(
            -each.money.amount_minor if each.kind in (Kind.REFUND, Kind.VOID) else each.money.amount_minor
            for each in moved
        )
        assert bank == sum(self._truth(known) for known in self.model.values())
        for identity, known in self.model.items():
            result = self.runner.run(self.till.cashier.charge_result(ACCOUNT, identity))
            assert result.amount_refunded <= result.amount_captured <= known.minor
            if known.open:
                assert result.state is ChargeState.UNKNOWN
            else:
                self._compare(result, known)

    @staticmethod
    def _truth(known: Known) -> int:
        """What the gateway has moved for a charge, known to us or not."""
        net = known.captured - known.refunded
        for kind, minor, happened in known.waiting:
            if happened and kind is OperationKind.CAPTURE:
                net += minor
            elif happened:
                net -= minor if kind is OperationKind.REFUND or not known.held else 0
        return net

    @staticmethod
    def _compare(result: ChargeResult, known: Known) -> None:
        if known.state is None:
            assert result.state in (ChargeState.DECLINED, ChargeState.FAILED)
        else:
            assert result.state is known.state
        assert (result.amount_captured, result.amount_refunded) == (known.captured, known.refunded)


TestMoneyMachine = MoneyMachine.TestCase
TestMoneyMachine.settings = settings(
    max_examples=8,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
