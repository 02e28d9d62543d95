"""`tonevault demo`: both zones and two simulated phones on one machine, for a newcomer with no phone at hand."""

from tonevault.app.demo.stage import run_demo

__all__ = ["run_demo"]
