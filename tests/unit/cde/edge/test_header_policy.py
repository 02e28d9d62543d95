"""Which headers pass: all but those of hop, dialog, body and credentials, and no more than a message bears."""

import pytest

from tonevault.cde.edge.header_policy import MAX_PASSED, MAX_PASSED_BYTES, passing
from tonevault.cde.wire.sip.headers import Headers

PASSED = (
    "X-Anything P-Asserted-Identity User-to-User Diversion History-Info Subject s Alert-Info Reason Privacy Identity Date Warning "
    "Retry-After Call-Info Cisco-Guid Info-Package Remote-Party-ID"
)
OWN = (
    "Via v From f TO i CSeq m Contact Route Record-Route l c k Require x Session-Expires RSeq RAck Authorization "
    "Proxy-Authenticate User-Agent Server Allow o r"
)


@pytest.mark.parametrize("name", PASSED.split())
def test_these_pass_as_written(name: str) -> None:
    assert passing(Headers([(name, "v")])) == [(name, "v")]


@pytest.mark.parametrize("name", OWN.split())
def test_these_never_pass_in_any_spelling(name: str) -> None:
    assert passing(Headers([(name, "v")])) == []


def test_a_route_can_block_more() -> None:
    headers = Headers([("X-Secret", "1"), ("X-Open", "2"), ("x-secret", "3")])
    assert passing(headers, frozenset({"x-secret"})) == [("X-Open", "2")]


def test_bounds() -> None:
    assert len(passing(Headers([("X-A", "v")] * (MAX_PASSED + 9)))) == MAX_PASSED
    assert passing(Headers([("X-A", "v" * MAX_PASSED_BYTES)])) == []
