"""Timers of the running event loop, in the shape that the service asks for."""

import asyncio
from collections.abc import Callable


class LoopTimers:
    """Calls later on the loop that runs at the moment of asking."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """See Timers."""
        return asyncio.get_running_loop().call_later(delay, callback)
