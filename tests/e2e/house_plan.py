"""What a house of a test is built of: its ports, routes and certificate, and the tonevault.toml that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.e2e.peers.baresip_config import Transport
from tests.e2e.peers.certificate import Certificate
from tests.e2e.peers.ports import LOOPBACK, PortBlock

ACCOUNT = "acme"


@dataclass(frozen=True, slots=True)
class RouteTo:
    """One `[[secure.routes]]` table: calls that dial `match` reach `to`."""

    to: str
    name: str = "support"
    match: str = "*"
    peers: tuple[str, ...] = ("127.0.0.0/8",)
    customer: Literal["caller", "callee"] = "caller"
    mask: Literal["talk", "hush"] = "talk"
    customer_header: str = "X-Customer"
    max_calls: int = 100
    customer_srtp: Literal["off", "accept", "require"] = "accept"
    agent_srtp: Literal["off", "accept", "require"] = "accept"
    account: str = ACCOUNT

    def table(self) -> str:
        peers = ", ".join(f'"{one}"' for one in self.peers)
        return f"""
[[secure.routes]]
name = "{self.name}"
account = "{self.account}"
peers = [{peers}]
to = "{self.to}"
match = "{self.match}"
customer = "{self.customer}"
mask = "{self.mask}"
customer_header = "{self.customer_header}"
max_calls = {self.max_calls}
customer_srtp = "{self.customer_srtp}"
agent_srtp = "{self.agent_srtp}"
"""


@dataclass(frozen=True, slots=True)
class HousePorts:
    """The ports of one house, all from its own block; its RTP range carries eight calls at once."""

    block: PortBlock

    @property
    def sip(self) -> int:
        """UDP and TCP."""
        return self.block.port(0)

    @property
    def tls(self) -> int:
        return self.block.port(1)

    @property
    def desk(self) -> int:
        return self.block.port(2)

    @property
    def webhooks(self) -> int:
        """Of gateways, where the configuration says so."""
        return self.block.port(3)

    @property
    def media(self) -> range:
        return self.block.rtp_ports

    def sip_port(self, transport: Transport) -> int:
        return self.tls if transport is Transport.TLS else self.sip


def write_house_configuration(
    path: Path,
    data_dir: Path,
    ports: HousePorts,
    certificate: Certificate,
    routes: Sequence[RouteTo],
    *,
    workers: int = 1,
    more: str = "",
) -> None:
    """Writes tonevault.toml; `more` is TOML tables to add, such as another account."""
    listen = ", ".join(f'"{transport}:{LOOPBACK}:{ports.sip_port(transport)}"' for transport in (*Transport,))
    path.write_text(
        f"""data_dir = "{data_dir}"

[log]
level = "DEBUG"

[[accounts]]
id = "{ACCOUNT}"
name = "Acme Ltd"
country_code = "44"

[secure.sip]
listen = [{listen}]
certificate = "{certificate.certificate_path}"
private_key = "{certificate.key_path}"
unverified_hosts = ["{LOOPBACK}"]

[secure.media]
address = "{LOOPBACK}"
first_port = {ports.media.start}
last_port = {ports.media.stop - 1}
workers = {workers}
{"".join(route.table() for route in routes)}
[desk]
listen = "{LOOPBACK}:{ports.desk}"
{more}
""",
        encoding="utf-8",
    )
