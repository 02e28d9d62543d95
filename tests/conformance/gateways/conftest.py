"""Every test of this folder runs on every adapter."""

from pathlib import Path

import pytest
from tests.conformance.gateways.rigs import RIGS
from tests.conformance.gateways.stage import Play, player


@pytest.fixture(params=list(RIGS.values()), ids=list(RIGS))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    return player(request.param, tmp_path)
