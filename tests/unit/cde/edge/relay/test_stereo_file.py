"""A recording's file is a WAV file after every write, whoever is killed when; what a killed recorder left is finished by the next."""

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from tonevault.cde.edge.relay import stereo_file
from tonevault.cde.edge.relay.stereo_file import HEADER_OCTETS, StereoFile, repair

FRAMES = np.arange(1600, dtype="<i2").reshape(800, 2).tobytes()


def read(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        return file.readframes(file.getnframes())


def test_it_is_a_wav_file_after_every_write(tmp_path: Path) -> None:
    growing = StereoFile(tmp_path, "call_a")
    (part,) = tmp_path.iterdir()
    assert part.name == "call_a.part"
    assert part.stat().st_mode & 0o777 == 0o600
    for count in range(4):
        assert read(part) == FRAMES * count
        growing.write(FRAMES)
    done = growing.finish()
    assert (done.name, read(done)) == ("call_a.wav", FRAMES * 4)
    assert list(tmp_path.iterdir()) == [done]


def test_a_death_between_sound_and_header_loses_that_write_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = StereoFile(tmp_path, "call_a")
    growing.write(FRAMES)
    written = os.pwrite

    def dies(file: int, octets: bytes, at: int) -> int:
        if at == 0:
            raise KeyboardInterrupt
        return written(file, octets, at)

    monkeypatch.setattr(os, "pwrite", dies)
    with pytest.raises(KeyboardInterrupt):
        growing.write(FRAMES)
    assert read(tmp_path / "call_a.part") == FRAMES


def test_a_disk_that_is_full_leaves_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    growing = StereoFile(tmp_path, "call_a")
    growing.write(FRAMES)
    written = os.pwrite

    def takes_a_little(file: int, octets: bytes, at: int) -> int:
        if at > HEADER_OCTETS + len(FRAMES):
            raise OSError(28, "No space left on device")
        return written(file, octets[:100], at)

    monkeypatch.setattr(os, "pwrite", takes_a_little)
    with pytest.raises(OSError, match="No space"):
        growing.write(FRAMES)
    assert read(growing.finish()) == FRAMES


def test_what_was_left_behind_is_finished_and_nothing_is_overwritten(tmp_path: Path) -> None:
    for name, octets in (("call_a", FRAMES + b"\1\2\3"), ("call_b", b""), ("call_c", FRAMES)):
        StereoFile(tmp_path, name)
        with (tmp_path / f"{name}.part").open("ab") as file:
            file.write(octets)
    assert repair(tmp_path) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["call_a.wav", "call_c.wav"]
    assert read(tmp_path / "call_a.wav") == read(tmp_path / "call_c.wav") == FRAMES
    again = StereoFile(tmp_path, "call_a")
    assert again.finish().name == "call_a-b.wav"
    assert repair(tmp_path) == 0


def test_names_hold_no_digit_and_come_to_an_end(tmp_path: Path) -> None:
    for _ in stereo_file.SUFFIXES:
        StereoFile(tmp_path, "call_a").finish()
    assert not any(letter.isdigit() for path in tmp_path.iterdir() for letter in path.stem)
    with pytest.raises(FileExistsError):
        StereoFile(tmp_path, "call_a")


def test_a_file_is_no_longer_than_its_header_can_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stereo_file, "LONGEST", len(FRAMES))
    growing = StereoFile(tmp_path, "call_a")
    growing.write(FRAMES)
    with pytest.raises(OSError, match="cannot be longer"):
        growing.write(FRAMES)
