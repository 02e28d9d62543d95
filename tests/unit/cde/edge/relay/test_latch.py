"""Symmetric RTP: only the signalled address is ever admitted, and its signalled port before any other."""

import pytest

from tonevault.cde.edge.relay.latch import SILENCE_S, Latch

PEER = ("192.0.2.10", 40000)
NAT = ("192.0.2.10", 61000)
OTHER_NAT = ("192.0.2.10", 62000)


def test_before_any_packet_the_signalled_address_is_the_target() -> None:
    assert Latch(PEER).target == PEER


def test_a_port_behind_the_signalled_address_is_latched() -> None:
    latch = Latch(PEER)
    assert latch.admits(NAT, 1.0)
    assert latch.target == NAT
    assert not latch.admits(OTHER_NAT, 1.1)


def test_the_signalled_port_wins_over_a_guessed_one() -> None:
    latch = Latch(PEER)
    latch.admits(NAT, 1.0)
    assert latch.admits(PEER, 1.1)
    assert not latch.admits(NAT, 1.2)


def test_a_silent_port_may_be_followed_by_another() -> None:
    latch = Latch(PEER)
    latch.admits(NAT, 1.0)
    assert not latch.admits(OTHER_NAT, 1.0 + SILENCE_S - 0.01)
    assert latch.admits(OTHER_NAT, 1.0 + SILENCE_S)


def test_a_port_that_spoke_lately_is_not_silent() -> None:
    latch = Latch(PEER)
    latch.admits(NAT, 1.0)
    latch.heard(4.0)
    assert not latch.admits(OTHER_NAT, 4.5)


def test_to_be_told_of_an_older_packet_makes_no_port_silent() -> None:
    latch = Latch(PEER)
    latch.admits(NAT, 1.0)
    latch.admits(NAT, 5.0)
    latch.heard(1.0)
    assert not latch.admits(OTHER_NAT, 5.1)


@pytest.mark.parametrize("stranger", [("203.0.113.9", 40000), ("192.0.2.11", 40000), ("2001:db8::1", 40000)])
def test_another_address_is_never_admitted(stranger: tuple[str, int]) -> None:
    latch = Latch(PEER)
    assert not latch.admits(stranger, 1.0)
    assert not latch.admits(stranger, 1000.0)
    assert latch.target == PEER


def test_an_address_in_another_spelling_is_the_same() -> None:
    assert Latch(("2001:DB8:0::1", 4000)).admits(("2001:db8::1", 4000), 1.0)


@pytest.mark.parametrize("nowhere", [("0.0.0.0", 4000), ("::", 4000), ("192.0.2.10", 0)])
def test_there_is_no_target_where_no_peer_is(nowhere: tuple[str, int]) -> None:
    assert Latch(nowhere).target is None


def test_a_name_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match="must be an IP address") as refusal:
        Latch(("4111-1111.example", 4000))
    assert "4111" not in str(refusal.value)
