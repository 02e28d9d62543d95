"""How long a worker lets datagrams gather."""

import pytest

from tonevault.cde.edge.relay.worker import LONGEST_GATHER_S, gathering_s


@pytest.mark.parametrize("received", [0, 1, 100, 3000])
@pytest.mark.parametrize("share", [0, 1])
def test_few_calls_gather_for_a_while(received: int, share: int) -> None:
    assert gathering_s(received, share * received, 1.0) == LONGEST_GATHER_S


@pytest.mark.parametrize(("calls", "longest_s"), [(100, 0.0006), (200, 0.0002), (300, 0.00008)])
def test_the_more_calls_the_shorter(calls: int, longest_s: float) -> None:
    came = calls * 25
    assert longest_s / 2 < gathering_s(came, came, 0.25) <= longest_s


@pytest.mark.parametrize(("calls", "longest_s"), [(100, 0.0015), (200, 0.0005), (300, 0.00015)])
def test_what_python_looks_at_gathers_for_longer(calls: int, longest_s: float) -> None:
    came = calls * 25
    assert longest_s / 2 < gathering_s(came, 0, 0.25) <= longest_s
    assert gathering_s(came, came, 0.25) < gathering_s(came, came // 2, 0.25) < gathering_s(came, 0, 0.25)


@pytest.mark.parametrize("calls", [400, 1000])
def test_a_busy_worker_does_not_sleep(calls: int) -> None:
    assert gathering_s(calls * 100, calls * 100, 1.0) == 0.0
    assert gathering_s(calls * 100, 0, 1.0) == 0.0
