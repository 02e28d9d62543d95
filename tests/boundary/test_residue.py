"""After charges are over, the secure process's memory holds no number and no code of theirs, whichever gateways they went to."""

from pathlib import Path

from tests.boundary.residue.scan import scan

OVER_TLS = {"stripe": 200, "braintree": 40, "worldpay": 40, "generic": 40}
"""In one process, as in earnest. `python -m tests.boundary.residue --tls KIND` tells which gateway it was, should there be anything."""
SIMULATED = 40
"""A copy that each charge left would show with far fewer."""


def test_nothing_of_a_card_is_left_after_charges_over_tls(tmp_path: Path) -> None:
    left = scan(OVER_TLS, tmp_path, tls=True)
    assert left.charges == sum(OVER_TLS.values())
    assert left.is_clean, left


def test_nothing_of_a_card_is_left_after_simulated_charges(tmp_path: Path) -> None:
    left = scan({"simulator": SIMULATED}, tmp_path)
    assert left.charges == SIMULATED
    assert left.is_clean, left


def test_one_copy_that_is_kept_is_found(tmp_path: Path) -> None:
    left = scan({"simulator": 4}, tmp_path, plant=True)
    assert left.numbers
