"""After charges through the official SDKs no card is left in the process's memory; a planted one proves the search."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("gateway", ["stripe", "braintree"])
def test_nothing_of_a_card_is_left_behind(gateway: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.boundary.gateway_memory", gateway],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=True,
    )
    whole, part, planted_whole, planted_part = (int(each) for each in run.stdout.split())
    assert (whole, part) == (0, 0)
    assert (planted_whole, planted_part) == (1, 1)
