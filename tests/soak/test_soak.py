"""A short soak on every run of the tests; `make soak` is an hour."""

import pytest

from tests.soak.soak import Plan, run_soak
from tests.soak.verdict import MIB, Limits, breaches

SEED = 20_261_121
MEMORY = 32 * MIB
"""In twenty seconds nothing but a great leak shows; the rest of the memory is caches that fill."""


@pytest.mark.timeout(300)
def test_nothing_is_left_of_calls_that_are_over() -> None:
    found = run_soak(Plan(rounds=1, round_s=2.0, customers=3, seed=SEED, idle_s=2.0, looks=2), lambda _: None)
    warm, rest = found.rests
    assert breaches(found.rests, Limits(memory=MEMORY, files=4, sockets=4)) == []
    assert found.differences == []
    assert rest.calls > warm.calls
    assert rest.recordings > warm.recordings
