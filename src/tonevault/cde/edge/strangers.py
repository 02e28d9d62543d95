"""Who was turned away unread: one line a minute in the log, so that a forgotten peer is found and a scanner fills no disk."""

import logging
from typing import Final

QUIET_S: Final = 60.0
"""A carrier that is missing in `peers` rings again within the minute; scanners come by the hundred."""

_logger = logging.getLogger(__name__)


class Strangers:
    """Counts packets and connections of addresses that no route knows. It keeps no list of them."""

    def __init__(self) -> None:
        self._told_at: float | None = None
        self._untold = 0

    def turned_away(self, host: str, now: float) -> None:
        """Something came from `host` and was not read; `now` in seconds, monotonic."""
        if self._told_at is not None and now - self._told_at < QUIET_S:
            self._untold += 1
            return
        _logger.info(
            "SIP from %s was not answered: no route has this address among its peers (and %d more since the last such line)",
            host,
            self._untold,
        )
        self._told_at = now
        self._untold = 0
