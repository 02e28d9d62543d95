"""What files say of themselves: every coding, streams without an end, notes before the samples, and damage, each with its way out."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cde.tones.wav_writer import header, wav

from tonevault.cde.tones.wav_format import RecordingError, WavFormat, read_format
from tonevault.cde.tones.wav_samples import blocks, linear

TONE = 12000 * np.sin(np.arange(400) / 7)
CODINGS = [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (6, 8), (7, 8)]


def read(path: Path) -> tuple[WavFormat, np.ndarray]:
    with path.open("rb") as file:
        form = read_format(file)
        return form, np.concatenate(list(blocks(file, form)), axis=1)


@pytest.mark.parametrize(("tag", "bits"), CODINGS)
@pytest.mark.parametrize("extensible", [False, True])
def test_every_coding(tmp_path: Path, tag: int, bits: int, extensible: bool) -> None:
    form, samples = read(wav(tmp_path / "a.wav", [TONE, -TONE], tag=tag, bits=bits, extensible=extensible))
    assert (form.channels, form.frames, form.bits, form.cut_short) == (2, 400, bits, False)
    tolerance = 600 if bits == 8 else 1.5
    assert np.abs(samples[0] - TONE).max() < tolerance
    assert np.abs(samples[1] + TONE).max() < tolerance


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF])
def test_a_recorder_that_streamed_left_no_size(tmp_path: Path, told: int) -> None:
    form, samples = read(wav(tmp_path / "a.wav", [TONE], told=told))
    assert (form.frames, form.cut_short, samples.shape) == (400, False, (1, 400))


def test_a_file_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    form, samples = read(wav(tmp_path / "a.wav", [TONE], told=9000))
    assert (form.frames, form.cut_short, samples.shape) == (400, True, (1, 400))


def test_chunks_before_the_samples_are_passed_over(tmp_path: Path) -> None:
    note = b"LIST" + struct.pack("<I", 5) + b"abcde\0" + b"cue " + struct.pack("<I", 100) + bytes(100)
    assert read(wav(tmp_path / "a.wav", [TONE], before=note))[0].frames == 400


def test_rf64(tmp_path: Path) -> None:
    data = bytes(800)
    sizes = struct.pack("<QQQI", 0, len(data), 0, 0)
    body = b"WAVEds64" + struct.pack("<I", len(sizes)) + sizes + header(1, 16, 1, 8000)
    path = tmp_path / "a.wav"
    path.write_bytes(b"RF64\xff\xff\xff\xff" + body + b"data\xff\xff\xff\xff" + data + b"junk after it")
    assert read(path)[0].frames == 400


@pytest.mark.parametrize(
    ("fmt", "code", "way_out"),
    [
        (header(0x55, 16, 1, 8000), "unsupported_codec", "sox"),
        (header(1, 12, 2, 8000), "unsupported_width", "sox"),
        (header(1, 16, 0, 8000), "unsupported_channels", "1 to 8"),
        (header(1, 16, 9, 8000), "unsupported_channels", "remix"),
        (header(1, 16, 1, 6000), "unsupported_rate", "8000"),
        (header(1, 16, 1, 400_000), "unsupported_rate", "192000"),
        (b"fmt \x04\0\0\0\0\0\0\0", "damaged_header", "damaged"),
        (header(1, 16, 2, 8000)[:-4] + b"\7\0\x10\0", "damaged_header", "block size"),
        (b"", "no_samples", "fmt"),
    ],
)
def test_what_cannot_be_read_says_why_and_the_way_out(fmt: bytes, code: str, way_out: str) -> None:
    file = io.BytesIO(b"RIFF\0\0\0\0WAVE" + fmt + b"data\x08\0\0\0" + bytes(8))
    with pytest.raises(RecordingError, match=way_out) as fault:
        read_format(file)
    assert fault.value.code == code


@pytest.mark.parametrize("octets", [b"", b"RIFF", b"ID3\x04 a song of sorts", b"RIFX\0\0\0\0WAVE"])
def test_not_a_wav_file(octets: bytes) -> None:
    with pytest.raises(RecordingError, match="must be a WAV file") as fault:
        read_format(io.BytesIO(octets))
    assert fault.value.code == "not_wav"


@given(st.binary(max_size=120))
def test_any_octets_end_in_a_format_or_a_recording_error(octets: bytes) -> None:
    file = io.BytesIO(b"RIFF\0\0\0\0WAVE" + octets)
    try:
        form = read_format(file)
    except RecordingError:
        return
    assert sum(block.shape[1] for block in blocks(file, form)) == form.frames


def test_floats_beyond_reason_are_silence_or_full_scale() -> None:
    octets = np.array([np.nan, np.inf, -np.inf, 7.0, -7.0], "<f4").tobytes()
    file = io.BytesIO(b"RIFF\0\0\0\0WAVE" + header(3, 32, 1, 8000) + b"data\0\0\0\0" + octets)
    assert linear(read_format(file), octets).tolist() == [0, 0, 0, 32767, -32767]
