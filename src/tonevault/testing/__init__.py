"""Simulated phones, networks, clocks and fakes: public, for the demo, for Tonevault's tests and for its users' own."""
