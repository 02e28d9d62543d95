"""The plots of docs/tones.md, from synthetic lines and fixed seeds: run again, they come out the same.

.venv/bin/python -m benchmarks.tone_plots
"""

from pathlib import Path

import numpy as np
from benchmarks.svg_plot import Plot
from tests.unit.cde.wire.tone.lines import ALL_KEYS, heard, keyed, missed, speech, through, white

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.dtmf import place_of
from tonevault.cde.wire.tone.look import STRETCH, look
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.screen import WINDOW, screen
from tonevault.cde.wire.tone.suspicion import SUSPECT_PAIR
from tonevault.cde.wire.tone.verdict import EVIDENCE

OUT = Path(__file__).parents[1] / "docs" / "tones"
DELAY = MaskingLine.DELAY_SAMPLES


def shares(samples: np.ndarray) -> np.ndarray:
    """Share of the strongest pair in the window that ends at each sample from WINDOW on."""
    windows = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), WINDOW)
    found = screen(np.ascontiguousarray(windows))
    return np.asarray(found.pair / found.energy)


def onset() -> None:
    """How soon a window that slides onto a tone looks like one."""
    plot = Plot(
        "A window sliding onto a key", "end of the window after the onset, ms", "share of the pair", (-10, 40), (0, 1.1),
        range(-10, 41, 5), (0, 0.25, 0.5, 0.75, 1),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    for name, disturbance in (
        ("quiet", None),
        ("noise 10 dB below", -19.0),
        ("speech alone", -17.0),
    ):
        wave, (press,) = keyed((5,), on_s=0.06)
        if disturbance == -19.0:
            wave += white(rng, len(wave), disturbance)
        elif disturbance is not None:
            wave = speech(rng, len(wave) / 8000, disturbance)
        share = shares(through(Law.ULAW, wave))
        ends = np.arange(press.onset - 80, press.onset + 320)
        plot.curve(((ends - press.onset) / 8).tolist(), share[ends - WINDOW].tolist(), name)
    plot.level(SUSPECT_PAIR, "suspicion")
    plot.band(-10, 0, "before")
    plot.band((DELAY - 16) / 8, 40, "too late for the mask (18 ms)")
    plot.write(OUT / "onset.svg")


def mask() -> None:
    """A key before and after the mask, on the same axis of time."""
    wave, (press,) = keyed((5,), on_s=0.05, lead=24000)
    rng = np.random.default_rng(2)
    wave += white(rng, len(wave), -38) + 0.6 * speech(rng, len(wave) / 8000, -26)
    samples = through(Law.ULAW, wave)
    line = MaskingLine(MaskMode.TALK)
    output = np.concatenate([line.push(samples[at : at + 160]) for at in range(0, len(samples), 160)])
    at = np.arange(press.onset - 240, press.end + 320)
    plot = Plot(
        "A key of 50 ms, in and out", "ms after the onset", "sample",
        (-30, 90), (-24000, 13000), range(-30, 91, 10), (-10000, 0, 10000),
    )  # fmt: skip
    plot.curve(((at - press.onset) / 8).tolist(), samples[at].tolist(), "customer", 0.9)
    plot.curve(
        ((at - press.onset) / 8).tolist(),
        (output[at + DELAY].astype(int) - 17500).tolist(),
        "agent, less 20 ms",
        0.9,
    )
    plot.band(0, (press.end - press.onset) / 8, "key down")
    plot.write(OUT / "mask.svg")


def purity() -> None:
    """What level B sees of tones in noise, and what the verdict asks."""
    ratios = list(range(2, 31, 2))
    rng = np.random.default_rng(3)
    seen: list[list[float]] = []
    for ratio in ratios:
        found = []
        for event in ALL_KEYS * 6:
            wave, (press,) = keyed((event,), on_s=0.05, lead=800 + int(rng.integers(40)))
            samples = through(Law.ALAW, wave + white(rng, len(wave), -9 - ratio))
            row, column = place_of(event)
            stretch = samples[press.onset + 320 - STRETCH : press.onset + 320].astype(np.float32)
            found.append(
                float(look(stretch[None], np.array([4 * row + column]), np.array([STRETCH - 60])).purity[0])
            )
        seen.append(found)
    plot = Plot(
        "Purity of a 40 ms tone in white noise",
        "signal to noise, dB",
        "purity",
        (2, 30),
        (0.4, 1.05),
        ratios,
        (0.5, 0.6, 0.7, 0.8, 0.9, 1),
    )
    for name, rank in (("highest of 100", 99), ("median", 50), ("lowest of 100", 1)):
        plot.curve(ratios, [float(np.percentile(found, rank)) for found in seen], name)
    for evidence in EVIDENCE[:4]:
        plot.level(evidence.purity, f"enough with {100 * evidence.attack:.0f} % of attack")
    plot.write(OUT / "purity.svg")


def accepted(**how: float) -> float:
    """Share of keys heard, in percent, over both laws and all keys."""
    wave, presses = keyed(ALL_KEYS * 2, **how)  # type: ignore[arg-type]
    return 100 * (
        1 - sum(missed(heard(through(law, wave)), presses) for law in Law) / (len(Law) * len(presses))
    )


def limits() -> None:
    """Where acceptance begins and ends, by length and by frequency."""
    lengths = [float(length) for length in range(16, 46, 1)]
    plot = Plot(
        "Keys heard by length",
        "length of the tone, ms",
        "heard, %",
        (16, 45),
        (0, 105),
        range(16, 46, 4),
        (0, 25, 50, 75, 100),
    )
    plot.band(16, 20, "must not")
    plot.band(40, 45, "must")
    plot.curve(lengths, [accepted(on_s=length / 1000) for length in lengths], "quiet")
    plot.write(OUT / "length.svg")
    offsets = np.arange(-4.5, 4.51, 0.25).tolist()
    plot = Plot(
        "Keys heard by error of frequency",
        "error, %",
        "heard, %",
        (-4.5, 4.5),
        (0, 105),
        range(-4, 5),
        (0, 25, 50, 75, 100),
    )
    plot.band(-1.5, 1.5, "must")
    plot.band(-4.5, -3.5, "must not")
    plot.band(3.5, 4.5, "must not")
    for name in ("row_offset", "column_offset"):
        plot.curve(
            offsets,
            [accepted(**{name: offset / 100}) for offset in offsets],
            name.removesuffix("_offset") + " alone",
        )
    plot.write(OUT / "frequency.svg")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for draw in (onset, mask, purity, limits):
        draw()
