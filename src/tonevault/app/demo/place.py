"""Where the demo runs: free ports, a folder, and the configuration that a first deployment would write by hand."""

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
ACCOUNT: Final = "demo-shop"
MEDIA_PORTS: Final = 40
"""Ten calls: more than the two phones of the demo make."""
PORT_TRIES: Final = 50


class NoFreePortError(Exception):
    """Nothing could be bound; the message says what and how to choose otherwise."""


@dataclass(frozen=True, slots=True)
class Place:
    """The ports of one demo."""

    sip: int
    media: int
    desk: int
    phone_page: int


def find_place(desk_port: int) -> Place:
    """Free ports on the loopback. `desk_port` 0 takes any. Raises NoFreePortError when the one wanted is taken."""
    if desk_port and not _is_free(desk_port):
        raise NoFreePortError(
            f"port {desk_port} is taken; choose another with --port, or --port 0 for any free one"
        )
    desk = desk_port or _free_port()
    return Place(_free_port(both=True), _free_range(), desk, _free_port())


def write_configuration(folder: Path, place: Place, agent: str) -> Path:
    """The demo's tonevault.toml; `agent` is the SIP URI of the contact centre's phone."""
    path = folder / "tonevault.toml"
    path.write_text(
        f"""# Written by `tonevault demo`.
data_dir = "{folder}"

[log]
level = "WARNING"

[[accounts]]
id = "{ACCOUNT}"
name = "Demo Shop"
country_code = "44"

[secure.sip]
listen = ["udp:{HOST}:{place.sip}", "tcp:{HOST}:{place.sip}"]

[secure.media]
address = "{HOST}"
first_port = {place.media}
last_port = {place.media + MEDIA_PORTS - 1}

[[secure.routes]]
name = "payment-line"
account = "{ACCOUNT}"
peers = ["127.0.0.0/8"]
to = "{agent}"
customer_header = "X-Customer-Id"

[desk]
listen = "{HOST}:{place.desk}"
"""
    )
    return path


def _is_free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port(*, both: bool = False) -> int:
    """A port free for TCP and, where `both`, for UDP too."""
    for _ in range(PORT_TRIES):
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if not both or _is_free(port, socket.SOCK_DGRAM):
            return port
    raise NoFreePortError("no port is free on 127.0.0.1; end some program and try again")


def _free_range() -> int:
    """The first of MEDIA_PORTS UDP ports that are all free now."""
    for first in range(20_000, 60_000, MEDIA_PORTS):
        if all(_is_free(port, socket.SOCK_DGRAM) for port in range(first, first + MEDIA_PORTS)):
            return first
    raise NoFreePortError("no range of UDP ports is free on 127.0.0.1; end some program and try again")
