"""When the secure zone's silence is worth a warning: at once where it was heard before, after a grace while both zones start."""

from typing import Final

from tonevault.desk.link import SecureLink

START_GRACE_S: Final = 15.0
"""Both zones are started together, and the secure one takes longer: it opens databases and keys, takes up what a crash left, and starts its
relays. A slow machine needs some seconds for that; somebody who starts a desk alone should not wait for the warning much longer."""


class SilenceWatch:
    """Told when the zone is heard, and asked at every try that failed."""

    def __init__(self, link: SecureLink) -> None:
        """Silence counts from the link's making, which is the desk's start."""
        self._link = link
        self._grace_s = START_GRACE_S
        self._is_told = False

    def heard(self) -> None:
        """The zone is there; from now on it is missed at once."""
        self._grace_s = 0.0
        self._is_told = False

    def is_news(self) -> bool:
        """Whether to warn now. Once a silence: the tries that follow say nothing new."""
        if self._is_told or self._link.silent_for() < self._grace_s:
            return False
        self._is_told = True
        return True
