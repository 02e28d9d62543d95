"""SDP (RFC 8866) and offer/answer (RFC 3264) as pure functions and one small state: audio is relayed, every other stream is refused."""
