"""The ear against Q.24's figures, on both laws: what must be heard, what must not, when it is told."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import (
    ALL_KEYS,
    Wave,
    dial_tone,
    ended,
    heard,
    keyed,
    missed,
    same_keys,
    speech,
    started,
    through,
    white,
)

from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.report import ToneStarted

BOTH = pytest.mark.parametrize("law", Law)


@BOTH
def test_all_keys_of_the_shortest_legal_digits(law: Law) -> None:
    wave, presses = keyed(ALL_KEYS, on_s=0.04, off_s=0.04)
    reports = heard(through(law, wave))
    assert same_keys(reports, presses)
    for end, press in zip(ended(reports), presses, strict=True):
        assert abs(end.end - press.end) <= 24


@BOTH
def test_double_four_is_two(law: Law) -> None:
    wave, presses = keyed((4, 4), on_s=0.04, off_s=0.04)
    assert same_keys(heard(through(law, wave)), presses)


@BOTH
@pytest.mark.parametrize(
    ("row_offset", "column_offset"), [(0.015, 0.015), (-0.015, 0.015), (0.015, -0.015), (-0.015, -0.015)]
)
def test_frequencies_within_one_and_a_half_percent(law: Law, row_offset: float, column_offset: float) -> None:
    wave, presses = keyed(ALL_KEYS, on_s=0.04, off_s=0.04, row_offset=row_offset, column_offset=column_offset)
    assert same_keys(heard(through(law, wave)), presses)


@BOTH
@pytest.mark.parametrize(
    ("row_offset", "column_offset"), [(0.035, 0), (-0.035, 0), (0, 0.035), (0, -0.035), (0.035, 0.035)]
)
def test_frequencies_beyond_three_and_a_half_percent_each_alone(
    law: Law, row_offset: float, column_offset: float
) -> None:
    wave, _ = keyed(ALL_KEYS, on_s=0.1, row_offset=row_offset, column_offset=column_offset)
    assert started(heard(through(law, wave))) == []


@BOTH
@pytest.mark.parametrize("twist_db", [-10.0, -8.0, 4.0, 10.0])
@pytest.mark.parametrize("level_dbm0", [-30.0, -4.0])
def test_twist_and_level(law: Law, twist_db: float, level_dbm0: float) -> None:
    wave, presses = keyed(ALL_KEYS, on_s=0.04, off_s=0.04, twist_db=twist_db, level_dbm0=level_dbm0)
    assert same_keys(heard(through(law, wave)), presses)


@pytest.mark.parametrize(("on_s", "level_dbm0"), [(0.02, -9.0), (0.02, -4.0), (0.1, -55.0)])
def test_too_short_or_too_faint_is_nothing(on_s: float, level_dbm0: float) -> None:
    wave, _ = keyed(ALL_KEYS, on_s=on_s, level_dbm0=level_dbm0)
    assert started(heard(through(Law.ULAW, wave))) == []


@pytest.mark.parametrize("place", [100, 160, 240])
@pytest.mark.parametrize("hole_ms", [5, 10])
def test_a_hole_does_not_split(hole_ms: int, place: int) -> None:
    wave, presses = keyed(ALL_KEYS, on_s=0.06)
    for press in presses:
        wave[press.onset + place : press.onset + place + 8 * hole_ms] = 0
    assert same_keys(heard(through(Law.ALAW, wave)), presses)


def test_a_lost_packet_does_not_split() -> None:
    wave, presses = keyed(ALL_KEYS, on_s=0.08, off_s=0.08)
    for press in presses:
        wave[press.onset + 240 : press.onset + 400] = 0
    reports = heard(through(Law.ULAW, wave))
    assert len(started(reports)) == len(presses)
    assert missed(reports, presses) == 0


@pytest.mark.parametrize("snr_db", [15.0, 10.0, 8.0])
def test_white_noise(snr_db: float) -> None:
    wave, presses = keyed(ALL_KEYS * 2, on_s=0.05)
    wave += white(np.random.default_rng(4), len(wave), -9 - snr_db)
    reports = heard(through(Law.ULAW, wave))
    assert missed(reports, presses) == 0
    assert len(started(reports)) == len(presses)


@pytest.mark.parametrize("below_db", [20.0, 12.0])
def test_speech_under_the_tones(below_db: float) -> None:
    wave, presses = keyed(ALL_KEYS * 2, on_s=0.05)
    wave += speech(np.random.default_rng(5), len(wave) / 8000, -9 - below_db)
    reports = heard(through(Law.ALAW, wave))
    assert missed(reports, presses) == 0
    assert len(started(reports)) == len(presses)


@pytest.mark.parametrize("level_dbm0", [-18.0, -12.0])
def test_dial_tone_beside_the_first_digit(level_dbm0: float) -> None:
    wave, presses = keyed(ALL_KEYS)
    wave += dial_tone(len(wave), level_dbm0)
    assert same_keys(heard(through(Law.ULAW, wave)), presses)


@pytest.mark.parametrize("delay_ms", [5, 20, 50])
def test_echo_ten_decibels_down(delay_ms: int) -> None:
    wave, presses = keyed(ALL_KEYS)
    echo = np.concatenate([np.zeros(8 * delay_ms), wave])[: len(wave)] * 10 ** (-10 / 20)
    reports = heard(through(Law.ALAW, wave + echo))
    assert missed(reports, presses) == 0
    assert len(started(reports)) == len(presses)


@BOTH
def test_no_key_in_a_minute_of_talk(law: Law) -> None:
    wave = speech(np.random.default_rng(6), 60.0, -15)
    assert started(heard(through(law, wave))) == []


def test_no_key_in_noise_hum_or_progress_tones() -> None:
    rng = np.random.default_rng(7)
    turn = 2 * np.pi * np.arange(24000) / 8000
    lines: list[Wave] = [
        white(rng, 24000, -20),
        dial_tone(24000, -12),
        8000 * np.sin(425 * turn),
        6000 * (np.sin(480 * turn) + np.sin(620 * turn)),
        5000 * (np.sin(440 * turn) + np.sin(480 * turn)),
        9000 * np.sin(2100 * turn),
        8000 * np.sin(697 * turn),
        8000 * np.sin(1336 * turn),
        6000 * (np.sin(697 * turn) + np.sin(770 * turn)),
    ]
    for line in lines:
        assert started(heard(through(Law.ULAW, line))) == []


def test_told_within_52_ms_while_the_key_is_down() -> None:
    wave, presses = keyed(ALL_KEYS * 2, on_s=0.07)
    reports = heard(through(Law.ULAW, wave))
    delays = [at - press.onset for (at, _), press in zip(started(reports), presses, strict=True)]
    assert max(delays) <= 0.052 * 8000
    assert np.median(delays) <= 0.042 * 8000


@pytest.mark.parametrize("chunk", [7, 80, 240, 1001, 100_000])
def test_the_chunk_length_changes_nothing(chunk: int) -> None:
    wave, _ = keyed(ALL_KEYS, on_s=0.045)
    line = through(Law.ULAW, wave + white(np.random.default_rng(8), len(wave), -24))

    def told(length: int) -> list[tuple[str, int]]:
        return [(type(report).__name__, report.onset) for _, report in heard(line, length)]

    assert told(chunk) == told(160)


def test_another_key_without_a_pause_is_another_key() -> None:
    wave, presses = keyed((1, 9, 5), on_s=0.1, off_s=0.0)
    reports = heard(through(Law.ULAW, wave))
    assert missed(reports, presses) == 0
    assert [type(report).__name__ for _, report in reports] == ["ToneStarted", "ToneEnded"] * 3


def test_a_long_press_is_one_and_its_report_tells_no_digit() -> None:
    wave, presses = keyed((8,), on_s=5.0)
    reports = heard(through(Law.ALAW, wave))
    assert same_keys(reports, presses)
    (_, onset), (end,) = started(reports)[0], ended(reports)
    assert isinstance(onset, ToneStarted)
    assert abs(end.end - presses[0].end) <= 24
    assert repr(onset) == repr(ToneStarted(Key.from_event(3), onset.onset, onset.sureness))
