"""Every test of this folder runs on every adapter."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.gateways.braintree_rig import braintree
from tests.conformance.gateways.generic_rig import generic
from tests.conformance.gateways.rigs import Rig, simulator
from tests.conformance.gateways.stage import Play, player
from tests.conformance.gateways.stripe_rig import stripe
from tests.conformance.gateways.worldpay_rig import worldpay

RIGS: dict[str, Callable[[Path], Rig]] = {
    "simulator": simulator,
    "stripe": stripe,
    "braintree": braintree,
    "worldpay": worldpay,
    "generic": generic,
}


@pytest.fixture(params=list(RIGS.values()), ids=list(RIGS))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    return player(request.param, tmp_path)
