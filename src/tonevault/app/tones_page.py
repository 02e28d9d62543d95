"""How `tonevault tones` writes what it heard: for people, and as JSON for programs. It refuses to make text of a key."""

import json
from pathlib import Path
from typing import BinaryIO, Protocol

from tonevault.cde.tones.card_run import KeyedCardNumber
from tonevault.cde.tones.channel_ear import HeardKey
from tonevault.cde.tones.wav_format import RecordingError, WavFormat


class Page(Protocol):
    """How a list is written. Every method writes octets at once, so that hours of keys are never held."""

    def begin(self, path: Path, form: WavFormat) -> None: ...
    def key(self, key: HeardKey, face: bytes) -> None: ...
    def card_number(self, number: KeyedCardNumber) -> None: ...
    def end(self, count: int) -> None: ...
    def unread(self, path: Path, fault: RecordingError) -> None: ...
    def close(self) -> None: ...


def clock(seconds: float) -> str:
    """mm:ss.mmm; minutes go on beyond 60."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 60000:02}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


class TextPage:
    """For people. Faults go to their own stream."""

    def __init__(self, out: BinaryIO, faults: BinaryIO) -> None:
        self._out = out
        self._faults = faults

    def begin(self, path: Path, form: WavFormat) -> None:
        """The recording's own line."""
        channels = {1: "mono", 2: "stereo"}.get(form.channels, f"{form.channels} channels")
        self._line(
            f"{path}: {channels}, {form.rate_hz} Hz, {form.bits} bit {form.coding.value}, {clock(form.seconds)}"
        )
        if form.cut_short:
            self._line("  the file ends before its header says; what is there was heard")

    def key(self, key: HeardKey, face: bytes) -> None:
        """One press."""
        length = round((key.end_s - key.start_s) * 1000)
        self._out.write(
            f"  {clock(key.start_s)}  channel {key.channel}  {length:5} ms  {key.sureness:4.0%} sure  ".encode()
        )
        self._out.write(face + b"\n")
        self._out.flush()  # A progress line may share the terminal.

    def card_number(self, number: KeyedCardNumber) -> None:
        """A finding."""
        kind = "are" if number.whole else "pass for"
        self._line(
            f"  FOUND  channel {number.channel}, {clock(number.start_s)} to {clock(number.end_s)}: {number.length} keys "
            f"{kind} a valid card number ({number.brand.title})"
        )

    def end(self, count: int) -> None:
        """How many presses there were."""
        self._line(f"  {count} key{'' if count == 1 else 's'}")

    def unread(self, path: Path, fault: RecordingError) -> None:
        """A file that could not be read."""
        self._out.flush()
        self._faults.write(f"tonevault: {path}: {fault}\n".encode())

    def close(self) -> None:
        """Nothing is left to write."""
        self._out.flush()

    def _line(self, text: str) -> None:
        self._out.write(text.encode() + b"\n")


class JsonPage:
    """For programs: one document, written as the work goes on."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._files = _Commas(out)
        self._keys = _Commas(out)
        self._found: list[KeyedCardNumber] = []
        out.write(b'{"recordings": [')

    def begin(self, path: Path, form: WavFormat) -> None:
        """Open the recording's object."""
        about = {
            "file": str(path),
            "channels": form.channels,
            "rate_hz": form.rate_hz,
            "coding": form.coding.value,
            "bits": form.bits,
            "seconds": round(form.seconds, 3),
            "cut_short": form.cut_short,
        }
        self._files.next()
        self._out.write(_text(about)[:-1] + b', "keys": [')
        self._keys.restart()
        self._found = []

    def key(self, key: HeardKey, face: bytes) -> None:
        """One press. Its key is spliced in as octets: a digit is never text."""
        about = {
            "channel": key.channel,
            "start_s": round(key.start_s, 3),
            "length_ms": round((key.end_s - key.start_s) * 1000),
            "sureness": round(key.sureness, 2),
        }
        self._keys.next()
        self._out.write(_text(about)[:-1] + b', "key": "' + face + b'"}')

    def card_number(self, number: KeyedCardNumber) -> None:
        """A finding, written when the recording ends."""
        self._found.append(number)

    def end(self, count: int) -> None:
        """Close the recording's object."""
        found = [
            {
                "code": "card_number_keyed",
                "channel": number.channel,
                "start_s": round(number.start_s, 3),
                "end_s": round(number.end_s, 3),
                "length": number.length,
                "brand": number.brand.value,
                "whole_run": number.whole,
            }
            for number in self._found
        ]
        self._out.write(b'], "key_count": %d, "findings": ' % count + _text(found) + b"}")

    def unread(self, path: Path, fault: RecordingError) -> None:
        """A file that could not be read."""
        self._files.next()
        self._out.write(_text({"file": str(path), "error": {"code": fault.code, "detail": str(fault)}}))

    def close(self) -> None:
        """Close the document."""
        self._out.write(b"]}\n")
        self._out.flush()


class _Commas:
    """A comma before every element but the first."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._first = True

    def next(self) -> None:
        """Before an element."""
        if not self._first:
            self._out.write(b", ")
        self._first = False

    def restart(self) -> None:
        """A new list."""
        self._first = True


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
