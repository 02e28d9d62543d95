"""Every bound of the SIP core, each with its reason. A peer that passes one is answered or dropped, never waited for."""

MAX_MESSAGE_BYTES = 65_535
"""The largest UDP payload; SIP over a stream has no need of more (RFC 3261 section 18.1.1 asks 65,535 of every receiver)."""

MAX_START_LINE_BYTES = 4_096
"""A request line holds a method and one URI; longer ones are attacks."""

MAX_HEADER_FIELDS = 256
"""A call through ten proxies carries some sixty; the bound keeps look-ups linear in something small."""

MAX_HEADER_BYTES = 16_384
"""One header field unfolded: an Identity or a long Record-Route fits four times over."""

MAX_LIST_ITEMS = 128
"""Values in one comma-separated list, such as a Via or Record-Route: RFC 3261 starts Max-Forwards at 70."""

MAX_SERVER_TRANSACTIONS = 60_000
"""Beyond it new requests get 503 without state. At 32 s and some 1.5 kB a transaction over UDP: 1,800 requests a second, 100 MB."""

MAX_SERVER_TRANSACTIONS_A_SOURCE = 40_000
"""Of one address: a trunk that is flooded, or floods, leaves room for the others. 600 calls a second of one carrier need as many."""

RESERVED_FOR_DIALOGS = 10_000
"""Beyond both limits, for requests with a To tag: whoever is in a call can still hang up while its trunk is flooded with new requests."""

MAX_CLIENT_TRANSACTIONS = 40_000
"""Beyond it `send_request` refuses: the caller still has the request and can answer its own peer 503."""

MAX_QUEUED_RELIABLE = 8
"""Reliable provisional responses to one INVITE that wait for the PRACK of an earlier one; a phone rings in two or three steps."""

MAX_ACKS_PER_INVITE = 16
"""A forked INVITE can be answered by several phones; each is acknowledged by its own ACK, kept for 32 s."""

MAX_CSEQ = 2**31 - 1
"""RFC 3261 section 8.1.1.5: the sequence number is less than 2**31."""

MAX_DELTA_SECONDS = 2**32 - 1
"""RFC 3261 section 20.19: intervals are 32 bits."""

MAX_REMEMBERED_NONCES = 4_096
"""Nonces whose use is counted against replay; older ones are forgotten and answered as stale."""

MAX_MULTIPLE_CHALLENGES = 8
"""Challenges looked at in one 401 or 407: one a scheme and algorithm."""
