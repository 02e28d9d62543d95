"""Opens the socket of a listener. Bound here and not by the event loop, every loop tells the same reason when it cannot be."""

import asyncio
import errno
import socket

from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.sip_driver.limits import RECEIVE_BUFFER_BYTES
from tonevault.cde.edge.sip_driver.listener import Listener

_ADVICE = {
    errno.EADDRINUSE: "another program has this port; stop it, or give this listener another port",
    errno.EACCES: "ports below 1024 need a privilege; give this listener a higher port",
    errno.EADDRNOTAVAIL: "this machine has no such address; use one of its own, or 0.0.0.0 for all",
}
_OTHER_ADVICE = "see that the host is an address or a name of this machine"


async def open_listening_socket(listener: Listener) -> socket.socket:
    """A bound socket, TCP ones listening. Raises ListenerError naming the listener and the way out."""
    wanted = socket.SOCK_STREAM if listener.transport.is_stream else socket.SOCK_DGRAM
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(listener.host, listener.port, type=wanted, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        opened = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError, IndexError):
        raise ListenerError(f"{listener.text()}: cannot listen there: {_OTHER_ADVICE}") from None
    try:
        if family == socket.AF_INET6:
            # One family a socket: what a listener says is what it takes.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            # Else the port of a restarted edge stays closed until its last connections are forgotten.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        opened.setblocking(False)
        opened.bind(address)
        if kind == socket.SOCK_STREAM:
            opened.listen(socket.SOMAXCONN)
    except OSError as error:
        opened.close()
        advice = _ADVICE.get(error.errno or 0, _OTHER_ADVICE)
        raise ListenerError(f"{listener.text()}: cannot listen there: {advice}") from None
    return opened
