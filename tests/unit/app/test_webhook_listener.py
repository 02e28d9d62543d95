"""The secure zone's public address as it is served: HTTPS with a certificate, plain on the loopback alone, nothing unasked."""

import asyncio
import socket
import ssl
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError
from tests.e2e.peers.certificate import make_certificate
from tests.e2e.peers.ports import claim_block
from tests.till import ACCOUNT, Till, request

from tonevault.app.settings import WebhookSettings
from tonevault.app.webhook_listener import serve_webhooks
from tonevault.cde.gateway import Hint, HintAbout
from tonevault.plumbing.settings import SettingsError

PATH = "/gateways/simulator/acme/webhook"


@pytest.mark.parametrize("is_secure", [True, False])
def test_a_webhook_is_heard_over_a_real_socket(tmp_path: Path, is_secure: bool) -> None:
    async def whole() -> None:
        block = claim_block()
        port = block.port(0)
        more: dict[str, object] = {}
        trust: ssl.SSLContext | bool = True
        if is_secure:
            made = make_certificate(tmp_path)
            more = {"certificate": made.certificate_path, "private_key": made.key_path}
            trust = ssl.create_default_context(cafile=made.certificate_path)
        settings = WebhookSettings.model_validate({"listen": f"127.0.0.1:{port}"} | more)
        till = Till(tmp_path)
        charge = await till.cashier.charge(request((await till.token()).token_id))
        async with AsyncExitStack() as stack:
            await serve_webhooks(settings, till.cashier.hints, stack)
            scheme = "https" if is_secure else "http"
            base = f"{scheme}://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, verify=trust, trust_env=False) as gateway:
                hint = Hint("evt_one", HintAbout.PAYMENT, None, charge.gateway_reference)
                headers, body = till.simulator.webhook(hint)
                answer = await gateway.post(PATH, content=body, headers=headers)
                assert (answer.status_code, answer.json()["fresh"]) == (200, 1)
                assert (await gateway.post(PATH, content=body)).status_code == 400
                assert (await gateway.get("/")).status_code == 404
        await till.close()
        block.release()
        assert charge.account_id == ACCOUNT

    asyncio.run(whole())


def test_an_address_that_is_taken_is_named(tmp_path: Path) -> None:
    async def whole() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            settings = WebhookSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}")
            till = Till(tmp_path)
            with pytest.raises(SettingsError, match=r"secure\.webhooks\.listen"):
                async with AsyncExitStack() as stack:
                    await serve_webhooks(settings, till.cashier.hints, stack)
            await till.close()

    asyncio.run(whole())


def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    async def whole() -> None:
        missing = {"certificate": tmp_path / "none.crt", "private_key": tmp_path / "none.key"}
        settings = WebhookSettings.model_validate({"listen": "127.0.0.1:1"} | missing)
        till = Till(tmp_path)
        with pytest.raises(SettingsError, match=r"secure\.webhooks\.certificate"):
            async with AsyncExitStack() as stack:
                await serve_webhooks(settings, till.cashier.hints, stack)
        await till.close()

    asyncio.run(whole())


@pytest.mark.parametrize(
    "wrong", [{"listen": "0.0.0.0:8443"}, {"listen": "127.0.0.1:8443", "certificate": "cert.pem"}]
)
def test_a_plain_address_for_everybody_and_half_a_certificate_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.model_validate(wrong)
