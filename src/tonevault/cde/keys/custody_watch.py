"""Looks at the custody every minute, so that an outage is known before a card needs a key, and a login lives on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from tonevault.cde.key_custody import KeyCustody, KeyCustodyError
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.plumbing.log import get_logger

EVERY_S: Final = 60.0

log = get_logger(__name__)


class CustodyWatch:
    """Tells the log once when the custody stops working, and once when it works again."""

    def __init__(
        self, custody: KeyCustody, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._custody = custody
        self._sleep = sleep
        self._thread = CustodyThread()
        self.works = True

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await self._sleep(EVERY_S)

    async def look(self) -> None:
        """One look."""
        try:
            await self._thread.run(self._custody.check)
        except KeyCustodyError as error:
            if self.works:
                log.error(  # noqa: TRY400 - the message says it all
                    "the key custody does not work; keys that are open serve on, and no other can be opened or made",
                    custody=self._custody.kind.value,
                    error=str(error),
                )
            self.works = False
        else:
            if not self.works:
                log.info("the key custody works again", custody=self._custody.kind.value)
            self.works = True
