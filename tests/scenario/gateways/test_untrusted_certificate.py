"""A gateway whose certificate is not trusted gets nothing: the payment has certainly failed, and no byte of it has left."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.peers.certificate import make_certificate
from tests.till import ACCOUNT, EXPIRY, code, number

from tonevault.cde.gateway import Authorisation, CardInHand, Code, Gateway, Verdict
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.generic import ConnectorAccess, GenericConnector
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.gateways import WIRES, GatewayDouble


def stripe(url: str) -> Gateway:
    return StripeGateway("sk_test_tls", WallClock(), base_url=url)


def braintree(url: str) -> Gateway:
    access = BraintreeAccess("tls", "public", "private", {"GBP": "test-gbp"}, url)
    return BraintreeGateway(ACCOUNT, access, WallClock())


def worldpay(url: str) -> Gateway:
    return WorldpayGateway(ACCOUNT, WorldpayAccess("tls", "secret", "default", "Acme", url=url), WallClock())


UNSENT = {
    "stripe": Code.TRY_AGAIN_LATER,
    "braintree": Code.TRY_AGAIN_LATER,
    "worldpay": Code.PROCESSING_ERROR,
    "generic": Code.PROCESSING_ERROR,
}


async def at_once(_seconds: float) -> None:
    """The connector's pause between two tries."""


def generic(url: str) -> Gateway:
    access = ConnectorAccess(f"{url}/pay", "tls", "secret")
    return GenericConnector(ACCOUNT, access, WallClock(), sleep=at_once)


@pytest.mark.parametrize(
    ("wire", "make"),
    [("stripe", stripe), ("braintree", braintree), ("worldpay", worldpay), ("generic", generic)],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_the_certificate_decides(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wire: str,
    make: Callable[[str], Gateway],
    trusted: bool,
) -> None:
    own, other = make_certificate(tmp_path, "own"), make_certificate(tmp_path, "other")
    monkeypatch.setenv("SSL_CERT_FILE", str((own if trusted else other).certificate_path))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(own.certificate_path, own.key_path)

    async def pay(url: str) -> None:
        gateway = make(url)
        card = CardInHand(number(), EXPIRY, code())
        request = Authorisation(ACCOUNT, make_id(ATTEMPT, 0, SYSTEM_ENTROPY), Money(100, "GBP"), card)
        answer = await gateway.authorise(request)
        await gateway.close()
        expected = (Verdict.APPROVED, None) if trusted else (Verdict.FAILED, UNSENT[wire])
        assert (answer.verdict, answer.code) == expected

    with GatewayDouble(WIRES[wire](), tmp_path / "double.db", tls=tls) as double:
        asyncio.run(pay(double.url))
        assert bool(double.seen) is trusted
