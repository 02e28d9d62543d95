"""Routes: peers by network and transport, users by pattern, destinations with and without a user."""

from ipaddress import ip_network

import pytest

from tonevault.cde.edge.routes import CustomerSide, Route, RouteTable
from tonevault.cde.media import Leg
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId


def route(
    name: str = "one",
    *,
    to: str = "sip:10.9.9.9:5070;transport=tcp",
    match: str = "*",
    peers: tuple[str, ...] = ("10.0.0.0/24", "2001:db8::/64"),
    transport: Transport | None = None,
    customer: CustomerSide = CustomerSide.CALLER,
    max_calls: int = 5,
) -> Route:
    return Route(
        name=name,
        account=AccountId("acme"),
        peers=tuple(ip_network(each) for each in peers),
        destination=SipUri.parse(to),
        match=match,
        transport=transport,
        customer=customer,
        max_calls=max_calls,
    )


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("10.0.0.7", True),
        ("10.0.1.7", False),
        ("2001:db8::7", True),
        ("::ffff:10.0.0.7", True),
        ("pbx.invalid", False),
    ],
)
def test_peers_are_known_by_their_network(host: str, known: bool) -> None:
    assert route().serves(Peer(Transport.UDP, host, 5060)) is known


def test_the_target_keeps_the_dialled_user_unless_the_route_names_one() -> None:
    dialled = SipUri.parse("sip:%2B4420@edge.invalid;user=phone?x=y")
    assert route().target(dialled).text() == "sip:%2B4420@10.9.9.9:5070;transport=tcp"
    assert route(to="sip:queue@10.9.9.9").target(dialled).text() == "sip:queue@10.9.9.9"


def test_the_pattern_sees_the_user_without_escapes() -> None:
    table = RouteTable((route("uk", match="+44*"), route("any", match="[0-9]*")))
    peer = Peer(Transport.UDP, "10.0.0.1", 5060)
    found = [
        table.find(peer, SipUri.parse(uri)) for uri in ("sip:%2B4420@x", "sip:12@x", "sip:abc@x", "sip:x")
    ]
    assert [each.name if each else None for each in found] == ["uk", "any", None, None]


def test_who_is_known() -> None:
    table = RouteTable((route(transport=Transport.TLS), route("two", to="sip:centre.invalid")))
    assert not RouteTable((route(transport=Transport.TLS),)).may_call(Peer(Transport.UDP, "10.0.0.1", 5060))
    assert table.knows(Peer(Transport.TCP, "10.9.9.9", 49152))
    assert table.destination_names == ("centre.invalid",)
    assert not table.knows(Peer(Transport.UDP, "192.0.2.5", 5060))
    table.admit_destination("192.0.2.5")
    assert table.knows(Peer(Transport.UDP, "192.0.2.5", 5060))
    assert not table.may_call(Peer(Transport.UDP, "192.0.2.5", 5060))


def test_the_callers_leg() -> None:
    assert route().caller_leg is Leg.CUSTOMER
    assert route(customer=CustomerSide.CALLEE).caller_leg is Leg.AGENT


def test_wrong_routes_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="destination"):
        route(to="tel:+4420")
    with pytest.raises(ValueError, match="max_calls"):
        route(max_calls=0)
    with pytest.raises(ValueError, match="name"):
        RouteTable((route(), route()))
