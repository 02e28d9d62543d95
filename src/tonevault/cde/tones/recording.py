"""What keys a recorded call holds: every channel on its own, in the order of their onsets, in bounded memory. It refuses to show them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tonevault.cde.tones.card_run import KeyedCardNumber, RunWatch
from tonevault.cde.tones.channel_ear import ChannelEar, HeardKey
from tonevault.cde.tones.resampler import Resampler
from tonevault.cde.tones.wav_format import WavFormat
from tonevault.cde.tones.wav_samples import blocks


@dataclass(frozen=True, slots=True)
class Heard:
    """How far the reader is, in frames of the file, and what became known since the last time."""

    frames: int
    keys: tuple[HeardKey, ...]
    card_numbers: tuple[KeyedCardNumber, ...]


def listen(file: BinaryIO, form: WavFormat) -> Iterator[Heard]:
    """Hear a recording whose format was read, one Heard a second of it and one more at its end."""
    channels = [_Channel(number + 1, form.rate_hz) for number in range(form.channels)]
    waiting: list[HeardKey] = []
    frames = 0
    for block in blocks(file, form):
        frames += block.shape[1]
        for channel, samples in zip(channels, block, strict=True):
            waiting += channel.ear.hear(channel.resampler.push(samples))
        waiting.sort(key=_onset)
        settled_s = min(channel.ear.settled_s for channel in channels)
        ready = [key for key in waiting if key.start_s < settled_s]
        waiting = waiting[len(ready) :]
        yield _told(frames, channels, ready)
    for channel in channels:
        waiting += channel.ear.hear(channel.resampler.finish()) + channel.ear.finish()
    waiting.sort(key=_onset)
    told = _told(frames, channels, waiting)
    last = [number for channel in channels for number in channel.watch.finish()]
    yield Heard(frames, told.keys, (*told.card_numbers, *last))


class _Channel:
    """What follows one channel."""

    def __init__(self, number: int, rate_hz: int) -> None:
        self.resampler = Resampler(rate_hz)
        self.ear = ChannelEar(number)
        self.watch = RunWatch()


def _onset(key: HeardKey) -> float:
    return key.start_s


def _told(frames: int, channels: list[_Channel], keys: list[HeardKey]) -> Heard:
    numbers = [number for key in keys for number in channels[key.channel - 1].watch.take(key)]
    return Heard(frames, tuple(keys), tuple(numbers))
