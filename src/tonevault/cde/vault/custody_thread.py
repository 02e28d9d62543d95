"""Threads in which the custody is asked: a custody that hangs holds up nobody but who asks it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from tonevault.cde.key_custody import KeyCustodyUnavailableError

THREADS: Final = 4
"""Questions at once: a cold start opens many accounts' keys, and a key service limits its rate anyway."""
PATIENCE_S: Final = 15.0
"""Above every adapter's own tries and time-outs; only a hardware module, whose calls know no time-out, comes this far."""

T = TypeVar("T")


class CustodyThread:
    """Runs blocking calls of a custody."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="custody")

    async def run(self, work: Callable[[], T]) -> T:
        """The answer of `work`. Raises what it raises, and KeyCustodyUnavailableError when it does not end in time."""
        asked = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.wait_for(asked, PATIENCE_S)
        except TimeoutError:
            raise KeyCustodyUnavailableError(
                f"the key custody did not answer within {PATIENCE_S:.0f} s; look at the module or the service"
            ) from None
