"""The simulated gateway: documented test cards for every outcome, and a memory of its own that outlives the process."""

from tonevault.cde.gateways.simulator.adapter import SimulatorGateway

__all__ = ["SimulatorGateway"]
