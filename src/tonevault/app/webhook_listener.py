"""The secure zone's one public address: where gateways' webhooks arrive, over HTTPS or behind a proxy of this machine."""

import asyncio
import ssl
from contextlib import AsyncExitStack
from typing import cast

from starlette.types import ASGIApp

from tonevault.app.settings import WebhookSettings
from tonevault.app.web_server import Certificate, WebServer
from tonevault.cde.charging.hints import GatewayHints
from tonevault.cde.interface.webhooks import GatewayWebhookApp
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.settings import SettingsError

log = get_logger(__name__)


async def serve_webhooks(settings: WebhookSettings, hints: GatewayHints, stack: AsyncExitStack) -> None:
    """Serve until the stack is taken down; nothing where no address is configured. Raises SettingsError."""
    if settings.listen is None:
        return
    host, _, port = settings.listen.rpartition(":")
    certificate = None
    if settings.certificate is not None and settings.private_key is not None:
        certificate = _readable(Certificate(settings.certificate, settings.private_key))
    server = WebServer(
        cast("ASGIApp", GatewayWebhookApp(hints)),
        host.strip("[]"),
        int(port),
        "secure.webhooks.listen",
        certificate,
    )
    serving = asyncio.create_task(server.serve())

    async def stop() -> None:
        server.stop()
        await serving

    stack.push_async_callback(stop)
    await server.up_or_failed(serving)
    log.info("webhooks are heard", host=host, port=port)


def _readable(certificate: Certificate) -> Certificate:
    """The certificate, once it is known that it can be served. Raises SettingsError."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate.chain, certificate.key)
    except OSError:
        raise SettingsError(
            [
                "secure.webhooks.certificate: cannot be read with its private_key; give PEM files that belong together"
            ]
        ) from None
    return certificate
