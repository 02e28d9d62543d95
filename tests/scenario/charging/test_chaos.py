"""The short campaign of `make chaos`: real processes, really killed, over rough lines; and the proof that its count can fail."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LIMIT_S = 240
"""Ten times what it takes on a quiet machine."""


def chaos(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--quick", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_killed_over_rough_lines_nothing_is_charged_twice_lost_or_left_unknown() -> None:
    done = chaos()
    assert (done.returncode, done.stdout.strip().splitlines()[-1]) == (0, "clean"), done.stdout + done.stderr


def test_a_settler_that_believes_an_absence_at_once_is_found_out() -> None:
    done = chaos("--plant", "--gateways", "lagging")
    assert (done.returncode, done.stdout.strip().splitlines()[-1]) == (1, "NOT CLEAN"), done.stdout
