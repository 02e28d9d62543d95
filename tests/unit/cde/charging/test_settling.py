"""When the unknown is looked up, and what a look-up is believed to mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.charging.jobs import LEASE
from tonevault.cde.charging.model import AttemptEvent, Fault
from tonevault.cde.charging.settler import LOOK_UP_LIMIT_S
from tonevault.cde.charging.settling import (
    ANSWER_LIMIT_S,
    BACKOFF_S,
    OVERDUE_S,
    Settled,
    Wait,
    backoff_s,
    judge,
)
from tonevault.cde.gateway import GatewayAnswer, Verdict

LAG = 30.0


def test_the_pauses_grow_and_the_last_one_stays() -> None:
    assert list(BACKOFF_S) == sorted(BACKOFF_S)
    assert [backoff_s(step) for step in (0, 1, 7, 8, 500)] == [1.0, 2.0, 300.0, 300.0, 300.0]


def test_the_limits_keep_two_nodes_apart() -> None:
    assert OVERDUE_S > ANSWER_LIMIT_S
    assert LEASE.total_seconds() > LOOK_UP_LIMIT_S


@pytest.mark.parametrize(
    ("verdict", "event"),
    [
        (Verdict.APPROVED, AttemptEvent.APPROVE),
        (Verdict.DECLINED, AttemptEvent.DECLINE),
        (Verdict.FAILED, AttemptEvent.FAIL),
    ],
)
def test_a_definite_answer_settles_at_once(verdict: Verdict, event: AttemptEvent) -> None:
    answer = GatewayAnswer(verdict)
    assert judge(answer, silent_s=0, visibility_lag_s=LAG, step=0) == Settled(event, answer)


@given(silent=st.floats(0, 1e6), step=st.integers(0, 1000))
def test_a_gateway_that_cannot_be_asked_settles_nothing_ever(silent: float, step: int) -> None:
    answer = GatewayAnswer(Verdict.UNKNOWN)
    assert judge(answer, silent_s=silent, visibility_lag_s=LAG, step=step) == Wait(backoff_s(step + 1))


@given(silent=st.floats(0, 1e6), step=st.integers(0, 1000))
def test_an_absence_is_believed_after_the_lag_and_not_a_moment_before(silent: float, step: int) -> None:
    verdict = judge(None, silent_s=silent, visibility_lag_s=LAG, step=step)
    if silent >= LAG:
        assert verdict == Settled(AttemptEvent.FAIL, fault=Fault.NEVER_ARRIVED)
    else:
        assert isinstance(verdict, Wait)
        assert 0 < verdict.seconds <= LAG - silent


def test_a_gateway_without_lag_is_believed_at_once() -> None:
    assert isinstance(judge(None, silent_s=0, visibility_lag_s=0, step=0), Settled)
