"""The wire, sans I/O: SDP, RTP, telephone-events, G.711 and audible tones. It refuses sockets, clocks and logs."""
