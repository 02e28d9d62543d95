"""SRTP in the configuration of a route: what is handed to the edge, and what cannot work."""

import pytest
from pydantic import ValidationError

from tonevault.app.edge_settings import edge_settings
from tonevault.app.settings import RouteSettings, SecureSettings
from tonevault.cde.media import Leg
from tonevault.cde.wire.sdp.leg_keys import SrtpPolicy

PLAIN, TLS = "sip:a@192.0.2.20", "sip:a@192.0.2.20;transport=tls"


def route(to: str, **more: object) -> RouteSettings:
    whole = {"name": "support", "account": "acme", "peers": ["192.0.2.10"], "to": to, **more}
    return RouteSettings.model_validate(whole)


def test_what_a_route_says_of_either_leg_reaches_the_edge() -> None:
    settings = SecureSettings(routes=(route(TLS, customer_srtp="off", agent_srtp="require"),))
    (made,) = edge_settings(settings).routes
    assert (made.srtp(Leg.CUSTOMER), made.srtp(Leg.AGENT)) == (SrtpPolicy.OFF, SrtpPolicy.REQUIRE)
    assert not made.srtp_over_plain_sip


def test_srtp_is_taken_where_nothing_is_said() -> None:
    (made,) = edge_settings(SecureSettings(routes=(route(PLAIN),))).routes
    assert {made.srtp(leg) for leg in Leg} == {SrtpPolicy.ACCEPT}


@pytest.mark.parametrize("customer", ["caller", "callee"])
def test_keys_that_could_not_go_out_are_a_fault(customer: str) -> None:
    dialled, calling = ("agent", "customer") if customer == "caller" else ("customer", "agent")
    with pytest.raises(ValidationError, match=f"{dialled}_srtp: its keys go over TLS alone"):
        route(PLAIN, customer=customer, **{f"{dialled}_srtp": "require"})
    route(PLAIN, customer=customer, **{f"{calling}_srtp": "require"})
    route("sips:a@192.0.2.20", customer=customer, **{f"{dialled}_srtp": "require"})
    route(PLAIN, customer=customer, srtp_over_plain_sip=True, **{f"{dialled}_srtp": "require"})
