"""The sockets under the SIP core: UDP, TCP and TLS on asyncio. It decides nothing about calls."""
