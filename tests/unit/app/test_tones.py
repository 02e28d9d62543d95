"""`tonevault tones`: what is printed, what is not, and what the exit code says."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.unit.cde.tones.wav_writer import wav
from tests.unit.cde.wire.tone.lines import keyed

from tonevault.app import cli
from tonevault.app.tones_page import clock

VISA = (4, 2) * 8


@pytest.fixture(autouse=True)
def _soft_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command hardens its process, which would outlast the test."""
    monkeypatch.setattr(cli, "harden_process", lambda: None)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.main, ["tones", *map(str, arguments)])


def recording(path: Path, events: tuple[int, ...]) -> Path:
    tones, _ = keyed(events, on_s=0.07, off_s=0.07)
    return wav(path, [np.zeros_like(tones), tones])


def test_keys_are_dots(tmp_path: Path) -> None:
    result = run(recording(tmp_path / "a.wav", (1, 9, 11)))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("a.wav: stereo, 8000 Hz, 16 bit PCM, 00:00.623")
    assert [line.split()[-1] for line in lines[1:4]] == ["•", "•", "•"]
    assert lines[1].split()[:5] == ["00:00.100", "channel", "2", "70", "ms"]
    assert lines[4] == "  3 keys"


def test_show_shows_them(tmp_path: Path) -> None:
    result = run("--show", recording(tmp_path / "a.wav", (1, 9, 11)))
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:4]] == ["1", "9", "#"]


def test_a_card_number_is_found_and_not_shown(tmp_path: Path) -> None:
    result = run(recording(tmp_path / "a.wav", (*VISA, 11)))
    assert result.exit_code == 1
    assert "FOUND  channel 2, 00:00.100 to " in result.stdout
    assert "16 keys are a valid card number (Visa)" in result.stdout
    assert "4242" not in result.stdout
    assert [line.split()[-1] for line in result.stdout.splitlines()[1:18]] == ["•"] * 17


def test_json(tmp_path: Path) -> None:
    calls = [recording(tmp_path / "a.wav", VISA), recording(tmp_path / "b.wav", ())]
    result = run("--json", *calls)
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)["recordings"]
    assert first["key_count"] == len(first["keys"]) == 16
    assert {key["key"] for key in first["keys"]} == {"•"}
    assert first["findings"][0] | {"end_s": 0} == {
        "code": "card_number_keyed",
        "channel": 2,
        "start_s": 0.1,
        "end_s": 0,
        "length": 16,
        "brand": "visa",
        "whole_run": True,
    }
    assert (second["keys"], second["findings"], second["channels"]) == ([], [], 2)
    shown = json.loads(run("--json", "--show", calls[0]).stdout)["recordings"][0]["keys"]
    assert [key["key"] for key in shown] == ["4", "2"] * 8


def test_a_bad_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(b"ID3 and so on")
    good = recording(tmp_path / "a.wav", VISA)
    result = run(song, tmp_path / "none.wav", tmp_path, good)
    assert result.exit_code == 2
    faults = result.stderr.splitlines()
    assert [fault.split(": ")[1] for fault in faults] == [
        str(song),
        str(tmp_path / "none.wav"),
        str(tmp_path),
    ]
    assert "must be a WAV file" in faults[0]
    assert "no such file" in faults[1]
    assert "folder" in faults[2]
    assert "  16 keys" in result.stdout
    told = json.loads(run("--json", song, good).stdout)["recordings"]
    assert told[0]["error"]["code"] == "not_wav"
    assert told[1]["key_count"] == 16


def test_no_file_is_a_fault_of_usage() -> None:
    assert run().exit_code == 2


@pytest.mark.parametrize(
    ("seconds", "face"), [(0, "00:00.000"), (59.9996, "01:00.000"), (6000.25, "100:00.250")]
)
def test_clock(seconds: float, face: str) -> None:
    assert clock(seconds) == face
