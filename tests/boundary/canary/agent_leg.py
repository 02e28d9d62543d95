"""What an agent's phone was sent, from the wire: telephone-events, audible keys, and the beeps that show that it was listened to."""

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.boundary.canary.stage import AgentLeg
from tests.e2e.peers import listen, rtp
from tests.e2e.peers.wav import Sound
from tests.e2e.peers.wire_tap import WireTap

BEEP_HZ: Final = 520.0
"""The pitch of any key, docs/tones.md."""
TENTH: Final = 800
"""Samples."""
SILENCE: Final = 8
"""What A-law has for zero."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How many telephone-events and how many stretches with a key's tones came, and how many beeps."""

    leg: AgentLeg
    packets: int
    events: int
    audible_keys: int
    beeps: int


def judge(wire: WireTap, media_ports: range, leg: AgentLeg) -> Heard:
    """All that the relay sent to this leg, from the first packet of the call to the last."""
    packets = [
        packet
        for one in wire.packets(from_ports=media_ports, to_ports=leg.ports)
        if (packet := rtp.parse_rtp(one.payload, one.at)) is not None
    ]
    sound = rtp.sound(packets)
    return Heard(
        leg,
        len(packets),
        len(rtp.presses(packets)),
        audible_keys(sound),
        len(listen.beeps_heard(sound, BEEP_HZ)),
    )


def keys_on_any_channel(path: Path) -> int:
    """The same of a recording of the product's own, which has a channel for each side."""
    with wave.open(str(path), "rb") as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return sum(audible_keys(Sound(_not_silent(channel))) for channel in frames.T)


def _not_silent(channel: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Without the tenths of a second in which nothing is above G.711's silence: most of a recording, and no key is in it."""
    whole = np.pad(channel, (0, -len(channel) % TENTH)).reshape(-1, TENTH)
    loud = np.abs(whole.astype(np.int32)).max(axis=1) > SILENCE
    return np.ascontiguousarray(whole[loud].reshape(-1), np.int16)


def audible_keys(sound: Sound) -> int:
    """Stretches of even 5 ms in which a key can be told by its tones."""
    return len(listen.key_fragments(sound))
