"""The SIP and RTP servers of the secure zone: the back-to-back user agent, its sockets and its relays."""
