"""Which codecs a capture can hear on this machine. It refuses to call a missing one a fault: its callers are muted, not leaked."""

from collections.abc import Iterator
from typing import Final

from tonevault.app.findings import Finding, Level
from tonevault.cde.media import Codec
from tonevault.cde.wire.voice_codec import is_spoken

LIBRARIES: Final = (
    (Codec(9, "G722", 8000), "install the Python package G722 into Tonevault's environment"),
    (Codec(96, "OPUS", 48000, 2), "install libopus, on Debian: apt-get install libopus0"),
)
"""Codecs that need a library, and the way to it."""


def codec_findings() -> Iterator[Finding]:
    """A line for each codec whose library may be missing."""
    for codec, way_out in LIBRARIES:
        if is_spoken(codec):
            yield Finding(Level.OK, f"codec {codec.name}", "is heard and masked in a capture")
        else:
            yield Finding(
                Level.WARNING,
                f"codec {codec.name}",
                "its library is not here, so a customer who speaks it is muted while keying",
                way_out,
            )
