"""How a process is asked to end: the first SIGTERM or SIGINT asks to finish what is under way, the second to stop at once."""

import asyncio
import signal
from collections.abc import Awaitable


class StopWish:
    """The two wishes, as events of the running loop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def listen(self) -> None:
        """Hear the process's signals from now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.hear)

    def hear(self) -> None:
        """A signal came."""
        (self.hurried if self.asked.is_set() else self.asked).set()

    async def patiently(self, work: Awaitable[None], patience_s: float) -> bool:
        """Wait for `work` to be done, until patience or the second signal ends it. True if it was done."""
        working = asyncio.ensure_future(work)
        hurried = asyncio.ensure_future(self.hurried.wait())
        await asyncio.wait({working, hurried}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if working.done():
            working.result()
            return True
        working.cancel()
        return False
