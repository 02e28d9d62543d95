"""The simulated network: one seed, one play; streams keep their order and lose nothing, datagrams do neither."""

import pytest

from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.testing.network import SimulatedHost, SimulatedNetwork, Weather

ROUGH = Weather(loss=0.3, min_delay_s=0.0, max_delay_s=1.0)


class Ear(SimulatedHost):
    """A host that only listens."""

    def __init__(self, network: SimulatedNetwork, host: str) -> None:
        super().__init__(network, host)
        self.heard: list[tuple[float, bytes]] = []

    def receive(self, data: bytes, peer: Peer) -> None:
        self.heard.append((self.network.now, data))


def send(seed: int, transport: Transport) -> list[tuple[float, bytes]]:
    network = SimulatedNetwork(seed, ROUGH)
    mouth, ear = SimulatedHost(network, "192.0.2.1"), Ear(network, "192.0.2.2")
    for number in range(50):
        network.at(number / 10, lambda data=bytes([number]): network.carry(mouth, ear.peer(transport), data))  # type: ignore[misc]
    network.run(10)
    return ear.heard


def test_the_same_seed_gives_the_same_play() -> None:
    assert send(1, Transport.UDP) == send(1, Transport.UDP) != send(2, Transport.UDP)


def test_datagrams_are_lost_and_overtake_each_other_and_streams_are_not() -> None:
    datagrams = [data for _, data in send(3, Transport.UDP)]
    assert len(datagrams) < 50
    assert datagrams != sorted(datagrams)
    assert [data for _, data in send(3, Transport.TCP)] == [bytes([number]) for number in range(50)]


def test_a_detached_host_hears_nothing() -> None:
    network = SimulatedNetwork(1)
    mouth, ear = SimulatedHost(network, "192.0.2.1"), Ear(network, "192.0.2.2")
    network.detach(ear)
    network.carry(mouth, ear.peer(), b"x")
    network.run(1)
    assert ear.heard == []
    assert network.now == 1.0


def test_a_play_without_end_is_stopped() -> None:
    network = SimulatedNetwork(1)

    def again() -> None:
        network.after(0.0, again)

    network.after(0.0, again)
    with pytest.raises(RuntimeError, match="too many steps"):
        network.run(1)
