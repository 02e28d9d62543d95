"""The generic pay connector on its double: an endpoint with both of Tonevault's own methods."""

from pathlib import Path

from tests.conformance.gateways.double_rig import rig_on_double
from tests.conformance.gateways.rigs import Rig
from tests.till import ACCOUNT, SimulatedClock

from tonevault.cde.gateways.generic import TRIES, ConnectorAccess, GenericConnector
from tonevault.testing.gateways.generic import MERCHANT, GenericWire


def generic(folder: Path) -> Rig:
    def make(url: str, clock: SimulatedClock) -> GenericConnector:
        access = ConnectorAccess(f"{url}/pay?shop=one", "user", "secret", {"till": "one"}, True, True)
        return GenericConnector(ACCOUNT, access, clock, timeout_s=5.0, sleep=clock.sleep)

    rig = rig_on_double(folder, GenericWire(), MERCHANT, make, tries=TRIES)
    rig.wrong_address = None
    return rig
