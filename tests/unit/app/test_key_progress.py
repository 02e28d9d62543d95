"""How far a long act is: a bar that fits the terminal whatever its width, plain lines where nobody watches."""

import io
import re

import pytest

from tonevault.app import key_progress
from tonevault.app.key_progress import PLAIN_EVERY_S, ProgressBar


class Screen(io.StringIO):
    """A terminal, as far as a bar knows."""

    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(screen: io.StringIO) -> list[str]:
    """What stood on the line, one look after another."""
    return screen.getvalue().split("\r\x1b[K")[1:]


@pytest.mark.parametrize("columns", [200, 80, 60, 40, 20, 1])
def test_it_never_wraps(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(key_progress, "_columns", lambda _: columns)
    screen, clock = Screen(), Clock()
    with ProgressBar("re-keying an-account-with-a-long-name", "cards", screen, clock) as bar:
        for done in (250_000, 500_000, 1_000_000):
            clock.now += 10
            bar(done, 1_000_000)
    *looks, wiped = lines(screen)
    assert wiped == ""
    assert len(looks) == 3
    assert all(len(each) < max(columns, 20) for each in looks)
    if columns == 200:
        assert looks[1] == (
            "re-keying an-account-with-a-long-name [###############               ] "
            "500,000 of 1,000,000 cards, 25,000/s, 20 s left"
        )
    if columns == 80:
        assert re.search(r"name (\[#* *\] )?500,000 of 1,000,000", looks[1])


def test_it_is_drawn_ten_times_a_second_at_most_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_progress, "_columns", lambda _: 100)
    screen, clock = Screen(), Clock()
    with ProgressBar("rewrapping", "keys", screen, clock) as bar:
        for done in range(1, 101):
            clock.now += 0.01
            bar(done, 100)
    assert 9 <= len(lines(screen)) - 1 <= 11
    assert "[##############################] 100 of 100 keys" in lines(screen)[-2]


def test_where_nobody_watches_a_plain_line_now_and_then() -> None:
    pipe, clock = io.StringIO(), Clock()
    with ProgressBar("re-keying acme", "cards", pipe, clock) as bar:
        for done in range(100, 2_600, 100):
            clock.now += 1
            bar(done, 400_000)
    assert PLAIN_EVERY_S == 10
    assert pipe.getvalue() == (
        "re-keying acme: 1,000 of 400,000 cards, 100/s, 66 min left\n"
        "re-keying acme: 2,000 of 400,000 cards, 100/s, 66 min left\n"
    )


@pytest.mark.parametrize(
    ("left", "said"),
    [(0, "0 s"), (119, "119 s"), (125, "2 min"), (7_199, "2 h 0 min"), (9_000, "2 h 30 min")],
)
def test_what_is_left_is_told_in_words_of_its_size(left: int, said: str) -> None:
    pipe, clock = io.StringIO(), Clock()
    with ProgressBar("rewrapping", "keys", pipe, clock) as bar:
        clock.now += 10
        bar(10, 10 + left)
    assert pipe.getvalue().endswith(f", 1/s, {said} left\n")


def test_a_short_act_says_nothing_in_a_pipe() -> None:
    pipe = io.StringIO()
    with ProgressBar("rewrapping", "keys", pipe, Clock()) as bar:
        bar(2, 2)
    assert pipe.getvalue() == ""
