"""How long a worker lets datagrams gather."""

import pytest

from tonevault.cde.edge.relay.worker import GATHERED, IN_CAPTURES, LONGEST_GATHER_S, TURN_S, gathering_s


@pytest.mark.parametrize("calls", [50, 100, 300])
def test_the_same_number_gathers_however_many_calls_there_are(calls: int) -> None:
    datagrams_a_second = calls * 100
    turn_s = gathering_s(datagrams_a_second // 4, 0.25) + TURN_S
    assert turn_s * datagrams_a_second == pytest.approx(GATHERED)


@pytest.mark.parametrize("received", [0, 1, 100])
def test_few_datagrams_do_not_wait_for_others(received: int) -> None:
    assert gathering_s(received, 1.0) == LONGEST_GATHER_S


@pytest.mark.parametrize("calls", [500, 1000])
def test_a_busy_worker_does_not_sleep(calls: int) -> None:
    assert gathering_s(calls * 100, 1.0) == 0.0


def test_where_calls_are_captured_more_gathers_but_never_more_than_a_few_milliseconds() -> None:
    plain, captured = gathering_s(5000, 1.0), gathering_s(5000, 1.0, IN_CAPTURES)
    assert (captured + TURN_S) == pytest.approx(IN_CAPTURES * (plain + TURN_S))
    assert gathering_s(1, 1.0, IN_CAPTURES) == pytest.approx(0.003)
