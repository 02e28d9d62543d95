"""Every bound of the SIP sockets, each with its reason."""

MAX_CONNECTIONS = 4_096
"""TCP and TLS connections at once, ours and the peers': trunks share a few, phones have one each."""

MAX_CONNECTIONS_A_SOURCE = 1_024
"""From one address: phones behind one NAT are some hundreds, and whoever opens more leaves room for the others."""

MAX_HANDSHAKES = 512
"""TLS handshakes at once: a core does some thousand a second, so more are not clients but an attack, and are closed unread."""

MAX_UNSENT_BYTES = 1_048_576
"""Bytes that a connection may leave unread before it is cut: a slow reader must not fill our memory."""

MAX_PENDING_BYTES = 1_048_576
"""Bytes that wait for a connection in the making."""

CONNECT_TIMEOUT_S = 5.0
"""For TCP and the TLS handshake together: well below the 32 s that a request may take, so that another way can be tried."""

HANDSHAKE_TIMEOUT_S = 5.0
"""For a peer that connects over TLS and does not speak."""

PARTIAL_MESSAGE_TIMEOUT_S = 30.0
"""For the rest of a message that has begun, and for the first message of a connection."""

IDLE_TIMEOUT_S = 7_200.0
"""For a connection on which nothing moves: longer than the session timers' usual half hour, so that calls keep their connection."""

SWEEP_INTERVAL_S = 5.0
"""How often connections are looked over."""

MAX_REMEMBERED_PEERS = 8_192
"""Peers whose listener is remembered, so that they are answered from the address that they wrote to."""

ROUTE_CACHE_S = 10.0
"""How long the machine is believed to reach a peer by the same address of its own."""

MAX_CACHED_NAMES = 1_024
"""Host names whose address is kept."""

NAME_CACHE_S = 60.0
"""How long a resolved name is believed; the system's resolver does not tell the record's own time."""

RECEIVE_BUFFER_BYTES = 1_048_576
"""What the kernel keeps of a burst over UDP while Python is busy: a thousand messages. The system may grant less."""

ACCEPT_PAUSE_S = 0.1
"""Between attempts to accept while the system refuses: long enough not to burn a core."""
