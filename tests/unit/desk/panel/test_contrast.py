"""The colours of tokens.css, measured: text 4.5 to 1 (WCAG 2.2, 1.4.3), edges and the focus ring 3 to 1 (1.4.11), in both schemes."""

import re

import pytest

from tonevault.desk.panel.pages import STATIC

TEXT, EDGE = 4.5, 3.0
PAIRS = [
    ("ink", "card", TEXT),
    ("ink", "paper", TEXT),
    ("soft", "card", TEXT),
    ("soft", "paper", TEXT),
    ("strong", "card", TEXT),
    ("on-strong", "strong", TEXT),
    ("wait-ink", "wait", TEXT),
    ("good-ink", "good", TEXT),
    ("bad-ink", "bad", TEXT),
    ("bad-ink", "card", TEXT),
    ("card", "good-line", TEXT),
    ("card", "bad-line", TEXT),
    ("card", "wait-ink", TEXT),
    ("soft", "paper", EDGE),
    ("strong", "paper", EDGE),
    ("bad-line", "card", EDGE),
    ("good-line", "card", EDGE),
    *[("ring", ground, EDGE) for ground in ("card", "paper", "wait", "good", "bad")],
]
"""Colour, its ground, and the least contrast: each pair stands in panel.css."""


def schemes() -> dict[str, dict[str, str]]:
    light, _, dark = (STATIC / "tokens.css").read_text().partition("@media (prefers-color-scheme: dark)")
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]
    return {"light": found[0], "dark": found[0] | found[1]}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("colour", "ground", "least"), PAIRS)
def test_contrast(scheme: str, colour: str, ground: str, least: float) -> None:
    tokens = schemes()[scheme]
    measured = contrast(tokens[colour], tokens[ground])
    assert measured >= least, f"{scheme}: --{colour} on --{ground} is {measured:.2f} to 1"


def test_both_schemes_say_every_colour() -> None:
    light, _, dark = (STATIC / "tokens.css").read_text().partition("@media (prefers-color-scheme: dark)")
    names = [set(re.findall(r"--([a-z-]+): #", part)) for part in (light, dark)]
    assert names[0] == names[1]


def test_no_colour_stands_outside_the_tokens() -> None:
    sheet = (STATIC / "panel.css").read_text()
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", sheet) == []
    used = set(re.findall(r"var\(--([a-z-]+)\)", sheet))
    assert used <= set(schemes()["light"]) | {"radius"}
