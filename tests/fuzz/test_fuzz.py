"""Twenty thousand hostile inputs on every run of the tests; `make fuzz` feeds a million."""

from collections.abc import Callable
from random import Random

import pytest

from tests.fuzz.campaign import SHARES, run
from tests.fuzz.targets import Target

INPUTS = 20_000
SEED = 20_261_121


@pytest.mark.parametrize("kind", SHARES, ids=lambda kind: kind.__name__)
def test_nothing_crashes_and_nothing_is_left(kind: Callable[[Random], Target]) -> None:
    outcome = run(kind, round(INPUTS * SHARES[kind]), SEED)
    assert not outcome.crashes, f"seed {SEED}: {outcome.first_crash}"
    assert not any(outcome.left.values()), f"seed {SEED}: {outcome.left}"
    assert outcome.taken > outcome.inputs // 200, "the inputs are no longer close enough to sound ones"
