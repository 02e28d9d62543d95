"""Two sides on one line of time: every packet where it was spoken, silence where nothing was, in frames that are written once."""

import numpy as np
import numpy.typing as npt

from tonevault.cde.edge.relay.recorded_call import KEPT, RecordedCall
from tonevault.cde.wire.g711 import Law, encode

ULAW, ALAW, G722 = 0, 1, 2
START = 1000.0
LOUD = 8031
"""A value that both laws carry to within a step."""
PAYLOAD = encode(Law.ULAW, np.full(160, LOUD, np.int16))


class Tape:
    """Takes what is written."""

    def __init__(self) -> None:
        self.octets = b""
        self.call = RecordedCall(self.write)

    def write(self, frames: bytes) -> None:
        assert len(frames) % 4 == 0
        self.octets += frames

    @property
    def frames(self) -> npt.NDArray[np.int16]:
        return np.frombuffer(self.octets, "<i2").reshape(-1, 2)

    def says(self, side: int, at: float, timestamp: int, codec: int = ULAW, payload: bytes = PAYLOAD) -> None:
        self.call.take(side, codec, timestamp & 0xFFFFFFFF, START + at, payload)


def sounding(channel: npt.NDArray[np.int16]) -> list[tuple[int, int]]:
    """Where a channel is not silent, as ranges."""
    on = np.concatenate([[0], (np.abs(channel.astype(int)) > 1000).astype(int), [0]])
    edges = np.diff(on)
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def test_sides_lie_beside_each_other() -> None:
    tape = Tape()
    tape.says(0, 0.0, 500)
    tape.says(0, 0.021, 660)
    tape.says(1, 0.1, 0xFFFFFFF0)
    tape.says(1, 0.119, 0xFFFFFFF0 + 160, ALAW, encode(Law.ALAW, np.full(160, LOUD, np.int16)))
    tape.call.finish()
    assert sounding(tape.frames[:, 0]) == [(0, 320)]
    assert sounding(tape.frames[:, 1]) == [(800, 1120)]
    assert len(tape.frames) == 1120


def test_silence_is_written_where_nothing_was_said_and_time_goes_on() -> None:
    tape = Tape()
    tape.call.settle(START + 5)
    assert tape.octets == b""
    tape.says(0, 0.0, 0)
    tape.call.settle(START + 10)
    tape.says(0, 10.1, 80_800)
    tape.call.settle(START + 11)
    assert len(tape.frames) == 88_000
    assert sounding(tape.frames[:, 0]) == [(0, 160), (80_800, 80_960)]
    assert sounding(tape.frames[:, 1]) == []


def test_what_comes_late_is_left_out_and_what_is_early_waits() -> None:
    tape = Tape()
    tape.says(0, 0.0, 0)
    tape.call.settle(START + 0.05)
    tape.says(0, 0.06, 160)
    tape.says(0, 0.06, 320)
    tape.call.finish()
    assert sounding(tape.frames[:, 0]) == [(0, 160), (400, 480)]


def test_a_clock_that_jumps_is_put_where_it_was_heard() -> None:
    tape = Tape()
    tape.says(0, 0.0, 0)
    tape.says(0, 1.0, 2_000_000_000)
    tape.says(0, 1.02, 2_000_000_160)
    tape.call.finish()
    assert sounding(tape.frames[:, 0]) == [(0, 160), (8000, 8320)]


def test_a_packet_from_far_away_takes_no_memory() -> None:
    tape = Tape()
    tape.says(0, 0.0, 0)
    tape.says(0, 3600.0, 28_800_000)
    tape.call.finish()
    assert len(tape.frames) <= KEPT


def test_a_payload_of_no_sense_is_silence() -> None:
    tape = Tape()
    tape.says(0, 0.0, 0, G722, b"")
    tape.says(0, 0.02, 160)
    tape.call.finish()
    assert sounding(tape.frames[:, 0]) == [(160, 320)]
