"""A driver on real loopback sockets with its events in a queue, and the certificates that its TLS tests need."""

import asyncio
import datetime as dt
import ipaddress
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tonevault.cde.edge.sip_driver.driver import SipDriver
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.tls import TlsTrust, make_server_context
from tonevault.cde.wire.sip.events import SipEvent
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.timings import Timings
from tonevault.cde.wire.sip.uri import SipUri

PATIENCE_S = 10.0
"""How long a test waits for what must come: far more than loopback needs, so that a busy machine fails nothing."""

E = TypeVar("E")


class Station:
    """Use as `async with`. `peer` is where others reach it."""

    def __init__(
        self,
        listen: str = "udp:127.0.0.1:0",
        *,
        identity: tuple[Path, Path] | None = None,
        client_ca: Path | None = None,
        trust: TlsTrust | None = None,
        admit: Callable[[Peer], bool] = lambda _: True,
        timings: Timings | None = None,
    ) -> None:
        self.queue: asyncio.Queue[SipEvent] = asyncio.Queue()
        self.react: Callable[[SipEvent], None] = lambda _: None
        self.listener = Listener.parse(listen)
        self.driver = SipDriver(
            [self.listener],
            on_event=self._on_event,
            entropy=random.Random(listen).randbytes,
            admit=admit,
            server_tls=None if identity is None else make_server_context(*identity, client_ca=client_ca),
            client_tls=None if trust is None else trust.context_for,
            timings=timings,
        )

    @property
    def peer(self) -> Peer:
        ((listener, port),) = self.driver.addresses()
        return Peer(listener.transport, listener.host, port)

    async def next(self, kind: type[E]) -> E:
        """The next event, which must be of this kind."""
        async with asyncio.timeout(PATIENCE_S):
            event = await self.queue.get()
        assert isinstance(event, kind), event
        return event

    def make_request(
        self, method: str, target: Peer, *, call_id: str = "call-1", cseq: int = 1, body: bytes = b""
    ) -> Request:
        contact = self.driver.local_address(target).text()
        transport = target.transport.value.lower()
        headers = Headers(
            [
                ("From", "<sip:customer@example.com>;tag=caller"),
                ("To", "<sip:agent@example.com>"),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                ("Contact", f"<sip:customer@{contact};transport={transport}>"),
            ]
        )
        return Request(method, SipUri(user="agent", host=target.host, port=target.port), headers, body)

    async def __aenter__(self) -> Self:
        await self.driver.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.driver.stop()

    def _on_event(self, event: SipEvent) -> None:
        self.queue.put_nowait(event)
        self.react(event)


async def enter(stack: AsyncExitStack, *stations: Station) -> None:
    """Start several stations."""
    for station in stations:
        await stack.enter_async_context(station)


def make_certificate(folder: Path, name: str = "edge") -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and localhost with its key: paths of two PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate_path, key_path


async def open_raw(station: Station) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare TCP connection to a station."""
    assert station.peer.transport is Transport.TCP
    return await asyncio.open_connection(station.peer.host, station.peer.port)
