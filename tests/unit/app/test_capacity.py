"""The calls that are configured must fit into open files and memory, or the start is refused with the setting, the rule and the way out."""

import pytest

from tonevault.app import capacity
from tonevault.app.capacity import needs, require_capacity, shortcomings
from tonevault.app.settings import SecureSettings
from tonevault.cde.edge.relay.capacity import needs_of
from tonevault.plumbing.machine_limits import MachineLimits
from tonevault.plumbing.settings import SettingsError

GIBIBYTE = 1 << 30


def settings(**media: int) -> SecureSettings:
    return SecureSettings.model_validate({"media": media})


def test_a_call_takes_four_files_of_its_worker() -> None:
    calls, needed = needs(settings(max_calls=100))
    assert calls == 100
    assert needed.files == 4 * 100 + 256
    _, twice = needs(settings(max_calls=200))
    assert twice.memory > needed.memory


def test_a_worker_never_needs_more_files_than_its_own_calls_do() -> None:
    few = needs_of(5000, workers=5, calls_a_worker=1000)
    assert few.files == needs_of(1000, workers=1, calls_a_worker=1000).files


def test_ports_bound_the_calls_where_nothing_is_set() -> None:
    assert needs(settings())[0] == 500


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (MachineLimits(1024, 1024, None), "2256 open files, and the limit is 1024"),
        (MachineLimits(1024, None, GIBIBYTE // 4), "MiB of memory, and there are 256"),
    ],
)
def test_what_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, limits: MachineLimits, said: str
) -> None:
    monkeypatch.setattr(capacity, "machine_limits", lambda: limits)
    with pytest.raises(SettingsError) as refused:
        require_capacity(settings(max_calls=500))
    (problem,) = refused.value.problems
    assert problem.startswith("secure.media.max_calls: 500 calls need ")
    assert said in problem
    assert "lower secure.media.max_calls" in problem


def test_enough_is_enough() -> None:
    needed = needs_of(500, workers=1, calls_a_worker=1000)
    assert shortcomings(500, needed, MachineLimits(64, needed.files, needed.memory)) == []
    assert shortcomings(500, needed, MachineLimits(64, None, None)) == []
    assert len(shortcomings(500, needed, MachineLimits(64, needed.files - 1, needed.memory - 1))) == 2


def test_more_calls_than_ports_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="hold 500 calls; widen"):
        needs(settings(max_calls=501))
