"""After charges are over, the secure process's memory holds no number and no code of theirs."""

from pathlib import Path

from tests.boundary.residue.scan import scan

CHARGES = 60
"""The long run has 200, through each gateway: `python -m tests.boundary.residue`."""


def test_nothing_of_a_card_is_left_in_memory(tmp_path: Path) -> None:
    left = scan("simulator", CHARGES, tmp_path)
    assert left.charges == CHARGES
    assert left.is_clean, left


def test_one_copy_that_is_kept_is_found(tmp_path: Path) -> None:
    left = scan("simulator", 4, tmp_path, plant=True)
    assert left.numbers
