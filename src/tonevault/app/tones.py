"""`tonevault tones`: recordings in, a list of their keys out, as text or JSON. It refuses to show a digit unless it is asked to."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from tonevault.app.tones_page import JsonPage, Page, TextPage
from tonevault.cde.tones.recording import listen
from tonevault.cde.tones.showing import shown
from tonevault.cde.tones.wav_format import RecordingError, read_format

MASK: Final = "•".encode()
LONG_S: Final = 120.0
"""Recordings longer than this show how far the work is; two minutes take about a second."""


class Progress(Protocol):
    """Shows how far a long recording is."""

    def tell(self, path: Path, heard_s: float, whole_s: float) -> None:
        """So many seconds of a file of so many have been heard."""

    def wipe(self) -> None:
        """Something else is about to be written."""


class Outcome(IntEnum):
    """The exit code."""

    CLEAN = 0
    CARD_NUMBER_FOUND = 1
    NOT_ALL_READ = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    show: bool = False
    as_json: bool = False


def list_tones(
    paths: tuple[Path, ...], wish: Wish, out: BinaryIO, faults: BinaryIO, progress: Progress
) -> Outcome:
    """Write what keys the recordings hold; a file that cannot be read is named, and the others are read nevertheless."""
    page: Page = JsonPage(out) if wish.as_json else TextPage(out, faults)
    outcome = Outcome.CLEAN
    for path in paths:
        try:
            found = _list_file(path, page, wish.show, progress)
        except RecordingError as fault:
            page.unread(path, fault)
            outcome = Outcome.NOT_ALL_READ
        else:
            if found and outcome is Outcome.CLEAN:
                outcome = Outcome.CARD_NUMBER_FOUND
    page.close()
    return outcome


def _list_file(path: Path, page: Page, show: bool, progress: Progress) -> bool:
    """Whether a card number was found."""
    with _opened(path) as file:
        form = read_format(file)
        page.begin(path, form)
        count, found = 0, False
        try:
            for heard in listen(file, form):
                if heard.keys or heard.card_numbers:
                    progress.wipe()
                for key in heard.keys:
                    page.key(key, shown(key.key) if show else MASK)
                for number in heard.card_numbers:
                    page.card_number(number)
                count += len(heard.keys)
                found |= bool(heard.card_numbers)
                if form.seconds > LONG_S:
                    progress.tell(path, heard.frames / form.rate_hz, form.seconds)
        except OSError:
            raise RecordingError(
                "unreadable", "the file could not be read to its end; copy it to a sound disk first"
            ) from None
        finally:
            progress.wipe()
            page.end(count)
    return found


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except IsADirectoryError:
        raise RecordingError(
            "is_folder", f"this is a folder; name the recordings in it, e.g. {path}/*.wav"
        ) from None
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise RecordingError(
            "unreadable", f"the file cannot be opened ({reason}); check its path and permissions"
        ) from None
