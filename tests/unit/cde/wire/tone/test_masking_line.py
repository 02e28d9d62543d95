"""The mask: not a millisecond of a key comes out, speech does, one beep a press, and the end of a capture lets nothing slip."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import (
    ALL_KEYS,
    Press,
    Samples,
    Wave,
    dial_tone,
    keyed,
    speech,
    through,
    white,
)

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.beep import BEEP, BEEP_SAMPLES
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ, place_of
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

DELAY = MaskingLine.DELAY_SAMPLES


def played(line: MaskingLine, samples: Samples, chunk: int = 160) -> Samples:
    return np.concatenate([line.push(samples[at : at + chunk]) for at in range(0, len(samples), chunk)])


def beeps(output: Samples) -> list[int]:
    """Where whole beeps begin: matched filter against the beep, peaks of at least 0.9 of its energy."""
    pattern = BEEP.astype(np.float64)
    score = np.correlate(output.astype(np.float64), pattern, "valid") / (pattern @ pattern)
    found: list[int] = []
    for at in np.flatnonzero(score > 0.9).tolist():
        if not found or at - found[-1] > BEEP_SAMPLES // 2:
            found.append(at)
        elif score[at] > score[found[-1]]:
            found[-1] = at
    return found


def without_beeps(output: Samples) -> Wave:
    """The output with every beep subtracted."""
    clean = output.astype(np.float64)
    for at in beeps(output):
        clean[at : at + BEEP_SAMPLES] -= BEEP
    return clean


def leaked_ms(tones: Wave, output: Samples, presses: list[Press]) -> int:
    """Milliseconds of keys in the output: those in which the clean tone, delayed, is found at a quarter of its height or more.

    Comfort noise 20 dB below the tone reaches 0.05 on average, so the bar stands five deviations above it. Milliseconds in which the two
    sines of a key cancel each other are left out: there noise would look like a find.
    """
    clean = without_beeps(output)
    count = 0
    for press in presses:
        loudest = float(np.mean(tones[press.onset : press.end] ** 2))
        for at in range(press.onset, press.end - 7, 8):
            tone = tones[at : at + 8]
            found = abs(tone @ clean[at + DELAY : at + DELAY + 8]) > 0.25 * (tone @ tone)
            count += bool(found and tone @ tone > 8 * 0.5 * loudest)
    return count


def level_at(output: NDArray[np.float64], frequency: float) -> float:
    turn = np.exp(-2j * np.pi * frequency * np.arange(len(output)) / 8000)
    return float(2 * np.abs(output @ turn) / len(output))


CONDITIONS = ("quiet", "noise", "speech")


def disturbed(condition: str, tones: Wave, level_dbm0: float, seed: int) -> Wave:
    rng = np.random.default_rng(seed)
    match condition:
        case "noise":
            return tones + white(rng, len(tones), level_dbm0 - 20)
        case "speech":
            return tones + speech(rng, len(tones) / 8000, level_dbm0 - 20)
        case _:
            return tones


@pytest.mark.parametrize("law", Law)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(
    ("level_dbm0", "twist_db", "on_s"),
    [(-4, 0, 0.2), (-9, 0, 0.05), (-12, 10, 0.04), (-12, -10, 0.04), (-30, 0, 0.04)],
)
def test_not_a_millisecond_comes_out(
    law: Law, condition: str, level_dbm0: float, twist_db: float, on_s: float
) -> None:
    tones, presses = keyed(ALL_KEYS, on_s=on_s, off_s=0.06, level_dbm0=level_dbm0, twist_db=twist_db)
    line = MaskingLine(MaskMode.TALK)
    output = played(line, through(law, disturbed(condition, tones, level_dbm0, 11)))
    assert leaked_ms(tones, output, presses) == 0
    assert not line.hushed_by_noise
    assert len(beeps(output)) == len(presses)


def test_the_judge_would_see_one_millisecond() -> None:
    tones, presses = keyed((5,))
    output = np.zeros(len(tones) + DELAY, np.int16)
    at = presses[0].onset + 80
    output[at + DELAY : at + DELAY + 8] = tones[at : at + 8]
    assert leaked_ms(tones, output, presses) == 1


@pytest.mark.parametrize(("row", "column"), [(0.015, -0.015), (-0.03, -0.03), (0.03, 0.0), (0.0, -0.03)])
def test_tones_off_pitch_are_masked_even_where_they_are_no_key(row: float, column: float) -> None:
    tones, presses = keyed(ALL_KEYS, on_s=0.08, off_s=0.06, row_offset=row, column_offset=column)
    output = played(MaskingLine(MaskMode.TALK), through(Law.ULAW, tones))
    assert leaked_ms(tones, output, presses) == 0


def test_row_and_column_cannot_be_told_from_the_output() -> None:
    tones, presses = keyed((5,), on_s=0.2)
    output = without_beeps(played(MaskingLine(MaskMode.TALK), through(Law.ALAW, tones)))
    during = output[presses[0].onset + DELAY : presses[0].end + DELAY]
    assert max(level_at(during, 770), level_at(during, 1336)) < 10


@pytest.mark.parametrize("chunk", [40, 80, 240, 480, 1000])
def test_any_packet_length(chunk: int) -> None:
    tones, presses = keyed((1, 2, 3, 3))
    output = played(MaskingLine(MaskMode.TALK), through(Law.ULAW, tones), chunk)
    assert len(output) == len(tones)
    assert leaked_ms(tones, output, presses) == 0
    assert len(beeps(output)) == 4


def test_the_beep_tells_neither_key_nor_length() -> None:
    heard = set()
    for event, on_s in ((0, 0.05), (7, 0.05), (15, 0.3), (3, 1.0)):
        tones, _ = keyed((event,), on_s=on_s)
        output = played(MaskingLine(MaskMode.TALK), through(Law.ULAW, tones))
        (at,) = beeps(output)
        heard.add(output[at : at + BEEP_SAMPLES].tobytes())
    assert len(heard) == 1


def test_when_the_beep_begins_tells_neither_key_nor_length_nor_level() -> None:
    told = set()
    for event in ALL_KEYS:
        for on_s, level_dbm0, twist_db in ((0.04, -6, 0), (0.3, -25, 8), (0.08, -12, -8)):
            tones, (press,) = keyed((event,), on_s=on_s, level_dbm0=level_dbm0, twist_db=twist_db, lead=1000)
            noisy = tones + white(np.random.default_rng(event), len(tones), level_dbm0 - 15)
            (at,) = beeps(played(MaskingLine(MaskMode.TALK), through(Law.ULAW, noisy)))
            told.add(at - press.onset)
    (after,) = told
    assert 320 <= after < 400


def test_speech_passes_delayed_and_hardly_touched() -> None:
    talk = through(Law.ALAW, speech(np.random.default_rng(12), 30.0, -17))
    line = MaskingLine(MaskMode.TALK)
    output = played(line, talk)
    altered = np.mean(output[DELAY:] != talk[:-DELAY])
    assert (
        altered < 0.02
    )  # Made-up vowels are purer than people's, of which under 0.5 % is altered: see docs/tones.md.
    assert line.take_reports() == []
    assert not line.hushed_by_noise


def test_what_replaces_a_tone_has_the_level_of_the_line() -> None:
    tones, presses = keyed((5,), on_s=0.2, lead=20000)
    noise = white(np.random.default_rng(13), len(tones), -45)
    output = without_beeps(played(MaskingLine(MaskMode.TALK), through(Law.ULAW, tones + noise)))
    masked = output[presses[0].onset + DELAY : presses[0].end + DELAY]
    assert 10 * np.log10(np.mean(masked**2) / np.mean(noise**2)) == pytest.approx(0, abs=3)


def test_hush_lets_nothing_through_but_beeps_and_still_hears() -> None:
    tones, presses = keyed(ALL_KEYS)
    line = MaskingLine(MaskMode.HUSH)
    talk = speech(np.random.default_rng(14), len(tones) / 8000, -15)
    output = played(
        line, through(Law.ULAW, tones + 0.2 * talk + white(np.random.default_rng(1), len(tones), -19))
    )
    rest = output.copy()
    for at in beeps(output):
        rest[at : at + BEEP_SAMPLES] = 0
    assert not rest.any()
    assert len(beeps(output)) == len(presses) == sum(isinstance(r, ToneStarted) for r in line.take_reports())


def test_a_press_told_by_event_and_tone_beeps_once_and_a_second_press_again() -> None:
    tones, presses = keyed((4, 4), on_s=0.1, off_s=0.1)
    line, samples, news, output = MaskingLine(MaskMode.TALK), through(Law.ULAW, tones), [], []
    told = {presses[0].onset // 160 + 1, presses[1].onset // 160 + 1}
    for index in range(len(samples) // 160):
        if index in told:
            news.append(line.beep(Key.from_event(4), Carrier.EVENT))
        output.append(line.push(samples[160 * index : 160 * index + 160]))
    assert news == [True, True]
    assert len(beeps(np.concatenate(output))) == 2
    assert not line.beep(Key.from_event(4), Carrier.INFO)


def test_residue_beside_an_event_is_muted_while_packets_renew_it_and_no_longer() -> None:
    talk = through(Law.ULAW, white(np.random.default_rng(15), 16000, -30))
    line, output = MaskingLine(MaskMode.TALK), []
    for index in range(100):
        if 20 <= index < 35 and index % 2 == 0:
            line.mute_residue()
        output.append(line.push(talk[160 * index : 160 * index + 160]))
    same = [
        bool(np.array_equal(output[index], talk[160 * (index - 1) : 160 * index])) for index in range(1, 100)
    ]
    assert all(same[1:19])
    assert not any(same[19:38])
    assert all(same[42:])


def test_noise_hushes_and_quiet_lifts_it() -> None:
    rng = np.random.default_rng(16)
    line = MaskingLine(MaskMode.TALK)
    played(line, through(Law.ULAW, white(rng, 16000, -50)))
    quiet = line.hushed_by_noise
    output = played(line, through(Law.ULAW, white(rng, 24000, -24)))
    loud = line.hushed_by_noise
    assert not output[-1600:].any()
    assert line.mode is MaskMode.TALK
    played(line, through(Law.ULAW, white(rng, 24000, -50)))
    assert (quiet, loud, line.hushed_by_noise) == (False, True, False)


def test_a_key_whose_onset_got_out_hushes_for_good_until_talk_is_asked_for_again() -> None:
    tones, _ = keyed(
        (5,), on_s=0.4, lead=800
    )  # Too soon after the dial tone came for the mask to see that it is steady.
    line = MaskingLine(MaskMode.TALK)
    played(line, through(Law.ULAW, tones + dial_tone(len(tones), -11)))
    before = line.hushed_by_noise
    line.set_mode(MaskMode.TALK)
    assert (before, line.hushed_by_noise) == (True, False)


def test_dial_tone_as_loud_as_the_keys() -> None:
    tones, presses = keyed(ALL_KEYS, lead=4000)
    line = MaskingLine(MaskMode.TALK)
    output = played(line, through(Law.ULAW, tones + dial_tone(len(tones), -12)))
    assert not line.hushed_by_noise
    assert len(beeps(output)) == len(presses)
    for press in presses:
        during = output[press.onset + DELAY + 40 : press.end + DELAY].astype(float)
        row, column = place_of(press.event)
        assert (
            max(level_at(during, ROW_HZ[row]), level_at(during, COLUMN_HZ[column])) < 2000
        )  # Each was 5,600; the beep reaches here.


def closed_at(
    samples: Samples, when: int, mode: MaskMode = MaskMode.TALK
) -> tuple[MaskingLine, Samples, int]:
    """Push packets, closing the line before packet `when`; what came out, and the packet at which it was finished."""
    line, output, finished = MaskingLine(mode), [], -1
    for index in range(len(samples) // 160):
        if index == when:
            line.close()
        output.append(line.push(samples[160 * index : 160 * index + 160]))
        if line.finished and finished < 0:
            finished = index
    return line, np.concatenate(output), finished


def test_a_key_held_over_the_end_of_the_capture_stays_masked() -> None:
    tones, presses = keyed((6,), on_s=0.6)
    _, output, finished = closed_at(through(Law.ULAW, tones), presses[0].onset // 160 + 10)
    assert finished * 160 > presses[0].end
    assert leaked_ms(tones, output, presses) == 0


def test_a_key_pressed_just_as_the_capture_ends_stays_masked() -> None:
    for shift in range(0, 160, 23):
        tones, presses = keyed((6,), on_s=0.1, lead=800 + shift)
        _, output, finished = closed_at(through(Law.ULAW, tones), presses[0].onset // 160 + 1)
        assert finished * 160 > presses[0].end
        assert leaked_ms(tones, output, presses) == 0


@pytest.mark.parametrize("mode", MaskMode)
def test_a_quiet_line_finishes_at_once_and_joins_the_present_without_a_click(mode: MaskMode) -> None:
    turn = 2 * np.pi * np.arange(8000) / 8000
    voice = (6000 * np.sin(200 * turn)).astype(np.int16)
    line, output, finished = closed_at(voice, 20, mode)
    assert finished == 20
    assert line.finished
    assert np.array_equal(output[21 * 160 :], voice[21 * 160 :])
    assert np.abs(np.diff(output[20 * 160 - 1 : 22 * 160].astype(int))).max() < 2000


def test_it_does_not_click_where_a_tone_is_cut_out_of_a_voice() -> None:
    tones, presses = keyed((5,), on_s=0.1, lead=4000)
    voice = 800 * np.sin(2 * np.pi * 180 * np.arange(len(tones)) / 8000)
    voice[:1600] = white(
        np.random.default_rng(17), 1600, -70
    )  # The line's own noise, heard before the voice.
    samples, line = through(Law.ULAW, tones + voice), MaskingLine(MaskMode.TALK)
    head = played(line, samples[:1600])
    assert line.beep(
        Key.from_event(5), Carrier.EVENT
    )  # So that the beep is over when the tone of the same press comes.
    output = np.concatenate([head, played(line, samples[1600:])]).astype(float)
    around = output[presses[0].onset : presses[0].end + 600]
    assert np.abs(around[400:600]).max() < 50
    assert np.abs(np.diff(around, 2)).max() < 100


@pytest.mark.parametrize("heard_ms", [1, 3, 6, 9, 15])
def test_the_beginning_of_a_key_whose_next_packet_is_lost_does_not_come_out(heard_ms: int) -> None:
    lead = 1600 - 8 * heard_ms
    tones, (press,) = keyed((5,), on_s=0.08, lead=lead)
    samples = through(Law.ALAW, tones)
    samples[1600:1760] = 0
    output = played(MaskingLine(MaskMode.TALK), samples)
    assert leaked_ms(tones, output, [press]) == 0


@pytest.mark.parametrize("left_ms", [1, 3, 6, 9])
def test_the_end_of_a_key_behind_a_lost_packet_does_not_come_out(left_ms: int) -> None:
    tones, (press,) = keyed((5,), on_s=0.1, lead=1760 - 800 + 8 * left_ms)
    samples = through(Law.ULAW, tones)
    samples[1600:1760] = 0
    output = played(MaskingLine(MaskMode.TALK), samples)
    assert leaked_ms(tones, output, [press]) == 0


def test_a_line_that_falls_silent_opens_again() -> None:
    tones, (press,) = keyed((5,), lead=1600)
    line = MaskingLine(MaskMode.TALK)
    played(line, np.concatenate([through(Law.ULAW, tones)[: press.end], np.zeros(1600, np.int16)]))
    line.close()
    played(line, np.zeros(1600, np.int16))
    assert line.finished
