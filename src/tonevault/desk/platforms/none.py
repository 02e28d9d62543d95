"""No platform: the contact centre does not record, or records what the edge has masked and needs no pause."""

from tonevault.desk.platform import RecordedCall


class NoPlatform:
    """Implements Platform by having nothing to pause."""

    @property
    def records(self) -> bool:
        """Nothing."""
        return False

    async def pause_recording(self, call: RecordedCall) -> None:
        """Nothing to do."""

    async def resume_recording(self, call: RecordedCall) -> None:
        """Nothing to do."""
