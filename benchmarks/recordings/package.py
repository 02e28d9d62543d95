"""Which Debian packages hold people speaking or music, which of their files, and which part of the measurements each belongs to."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """Thresholds were set on the tuning parts; those held out were only ever measured."""

    TUNING = "tuning"
    HELD_OUT = "held out"
    MUSIC_TUNING = "music, tuning"
    MUSIC_HELD_OUT = "music, held out"


class Container(StrEnum):
    """How a package keeps its sound."""

    FILES = "files"
    """WAV, Ogg Vorbis or GSM, a recording a file."""
    ALS = "als"
    """Raw 8-bit unsigned samples at 11,025 Hz."""
    QUEEN = "queen"
    """One file with a table of contents and MP3 recordings."""
    SKY = "sky"
    """A file of packed recordings, raw 8-bit unsigned at 11,025 Hz, and one with its table of contents."""


@dataclass(frozen=True, slots=True)
class Package:
    """`folder` is where in the package the files lie; a file whose path holds one of `without` is left out."""

    name: str
    part: Part
    folder: str
    container: Container = Container.FILES
    without: tuple[str, ...] = ()
    within: str = ""


_NO_VOICE: Final = ("tt-monkeys", "beep", "silence", "dtmf", "ring", "tone", "/music/", "/share/sp-")
_ASTERISK: Final = "usr/share/asterisk/sounds"
_FILLETS: Final = "usr/share/games/fillets-ng"
_HEDGEWARS: Final = "usr/share/games/hedgewars/Data"

PACKAGES: Final = (
    *(
        Package(f"asterisk-core-sounds-{language}-wav", Part.TUNING, "usr/share/asterisk", without=_NO_VOICE)
        for language in ("en", "es", "fr", "it", "ru")
    ),
    *(
        Package(f"asterisk-prompt-{voice}", Part.TUNING, "usr/share/asterisk", without=_NO_VOICE)
        for voice in ("es-co", "fr-armelle", "it-menardi-wav")
    ),
    Package("fillets-ng-data", Part.TUNING, f"{_FILLETS}/sound", within="/en/"),
    Package("fillets-ng-data-cs", Part.TUNING, f"{_FILLETS}/sound", within="/cs/"),
    Package("fillets-ng-data-nl", Part.HELD_OUT, f"{_FILLETS}/sound", within="/nl/"),
    Package("drascula", Part.HELD_OUT, "usr/share/scummvm/drascula", Container.ALS),
    Package("beneath-a-steel-sky", Part.HELD_OUT, "usr/share/scummvm/beneath-a-steel-sky", Container.SKY),
    # Held out at first; a key that was falsely heard in it served to tighten a threshold.
    Package("flight-of-the-amazon-queen", Part.TUNING, "usr/share/scummvm", Container.QUEEN),
    # One of its voices is a machine's.
    Package("hedgewars-data", Part.TUNING, f"{_HEDGEWARS}/Sounds/voices", without=("/Robot/",)),
    Package("gcin-voice", Part.TUNING, "usr/share/gcin-voice"),
    Package("fillets-ng-data", Part.MUSIC_TUNING, f"{_FILLETS}/music"),
    Package("hedgewars-data", Part.MUSIC_TUNING, f"{_HEDGEWARS}/Music"),
    Package("asterisk-moh-opsound-wav", Part.MUSIC_HELD_OUT, "usr/share/asterisk"),
    Package("hyperrogue-music", Part.MUSIC_HELD_OUT, "usr/share"),
    Package("wesnoth-1.16-music", Part.MUSIC_HELD_OUT, "usr/share"),
)
