"""The port pool: even ports with the odd ones above, bound at once, used in turn, and clear words where there are none."""

import socket

import pytest

from tonevault.cde.edge.relay.port_pool import MediaInterface, PortPair, PortPool
from tonevault.cde.media import MediaAddress, MediaUnavailableError

FIRST = 27500


def shut(*pairs: PortPair) -> None:
    for pair in pairs:
        pair.rtp.close()
        pair.rtcp.close()


def test_a_pair_is_bound_even_and_odd() -> None:
    pool = PortPool(MediaInterface("127.0.0.1", FIRST - 1, FIRST + 9))
    pair = pool.take()
    assert pair.address == MediaAddress("127.0.0.1", FIRST, FIRST + 1)
    assert pair.rtp.getsockname() == ("127.0.0.1", FIRST)
    assert pair.rtcp.getsockname() == ("127.0.0.1", FIRST + 1)
    shut(pair)


def test_what_peers_are_told_may_differ_from_what_is_bound() -> None:
    pool = PortPool(MediaInterface("127.0.0.1", FIRST, FIRST + 9, "198.51.100.7"))
    pair = pool.take()
    assert pair.address.host == "198.51.100.7"
    shut(pair)


def test_ports_are_used_in_turn() -> None:
    pool = PortPool(MediaInterface("127.0.0.1", FIRST, FIRST + 5))
    seen = []
    for _ in range(4):
        pair = pool.take()
        seen.append(pair.number)
        shut(pair)
        pool.give_back(pair.number)
    assert seen == [FIRST, FIRST + 2, FIRST + 4, FIRST]


def test_a_port_that_another_holds_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", FIRST + 1))
        pool = PortPool(MediaInterface("127.0.0.1", FIRST, FIRST + 9))
        pair = pool.take()
        assert pair.number == FIRST + 2
        shut(pair)


def test_when_none_is_free_the_way_out_is_named() -> None:
    pool = PortPool(MediaInterface("127.0.0.1", FIRST, FIRST + 3))
    pairs = [pool.take(), pool.take()]
    with pytest.raises(MediaUnavailableError, match="widen"):
        pool.take()
    shut(*pairs)


def test_an_address_that_is_not_ours_is_told() -> None:
    pool = PortPool(MediaInterface("203.0.113.250", FIRST, FIRST + 9))
    with pytest.raises(MediaUnavailableError, match="configured address"):
        pool.take()
    assert pool.free == 5


@pytest.mark.parametrize(
    ("host", "first", "last", "advertised", "field"),
    [
        ("media.example", 3000, 3999, None, "bind_host"),
        ("127.0.0.1", 3000, 3999, "x", "advertised_host"),
        ("0.0.0.0", 3000, 3999, None, "advertised_host"),
        ("127.0.0.1", 80, 3999, None, "first_port"),
        ("127.0.0.1", 3001, 3004, None, "first_port"),
        ("127.0.0.1", 4000, 3999, None, "first_port"),
    ],
)
def test_a_wrong_setting_is_named(
    host: str, first: int, last: int, advertised: str | None, field: str
) -> None:
    with pytest.raises(ValueError, match=field):
        MediaInterface(host, first, last, advertised)
