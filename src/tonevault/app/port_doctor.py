"""What the doctor says of an address that is to be listened on. It binds, looks, and lets go."""

import os
import socket
from collections.abc import Iterator

from tonevault.app.findings import Finding, Level


def port_findings(subject: str, kind: socket.SocketKind, host: str, port: int) -> Iterator[Finding]:
    """Whether it can be bound, and else what holds it."""
    reason = why_not(kind, host, port)
    name = "udp" if kind == socket.SOCK_DGRAM else "tcp"
    if reason:
        yield Finding(
            Level.FAULT,
            subject,
            f"{name} {host}:{port} cannot be bound ({reason})",
            f"stop what holds it (ss -lnp | grep {port}), or choose another port or address",
        )
    else:
        yield Finding(Level.OK, subject, f"{name} {host}:{port} is free")


def why_not(kind: socket.SocketKind, host: str, port: int) -> str:
    """Why a port cannot be bound, in the system's words; empty when it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return os.strerror(error.errno) if error.errno and error.errno > 0 else "the host name is unknown"
    return ""


def host_and_port(address: str) -> tuple[str, int]:
    """Of a checked `host:port`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
