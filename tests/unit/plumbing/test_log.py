"""The log strikes digit runs and prints no locals, whoever logs."""

import logging
from collections.abc import Iterator

import pytest

from tonevault.plumbing.log import get_logger, set_up_logging, strike_digits

PAN = "4000056655665556"


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("json", [False, True])
def test_nothing_of_a_card_reaches_the_log(capsys: pytest.CaptureFixture[str], *, json: bool) -> None:
    set_up_logging(level="DEBUG", json=json)
    log = get_logger("test")
    card_in_a_local = PAN
    log.debug("keys", listed=list(PAN), counted=[int(each) for each in PAN], tuple=tuple(PAN.encode()))
    log.debug("keyed", value=PAN, number=int(PAN), listed=[PAN], spaced="4000 0566 5566 5556")
    logging.getLogger("library").warning("got %s and %s", PAN, {"pan": PAN})
    try:
        raise ValueError(PAN)
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed")
    out = capsys.readouterr().err
    assert out.count("failed") >= 2
    for part in (PAN, card_in_a_local[6:], "5665566", "0566 5566"):
        assert part not in out


def test_short_numbers_stay() -> None:
    assert strike_digits("port 5060, status 200, 12.5 s") == "port 5060, status 200, 12.5 s"


def test_addresses_stay_and_what_only_looks_like_one_does_not() -> None:
    assert strike_digits("SIP from 203.0.113.25, peer 198.51.100.7:50600") == (
        "SIP from 203.0.113.25, peer 198.51.100.7:50600"
    )
    for text in ("4000.0566.5566.5556", "400.005.665.566", "1.2.3.4.5.6.7", "10.0.0.1 4242", "203.0.113.256"):
        assert strike_digits(text) == "[digits]"


@pytest.mark.parametrize(
    "text",
    [str(list(PAN)), str([int(each) for each in PAN]), str(tuple(PAN.encode())), "4 - 0 - 0 - 0 - 0 - 5 - 6", "4;0;0;0;0;5;6"],
)  # fmt: skip
def test_lists_of_single_digits_go(text: str) -> None:
    struck = strike_digits(f"keys {text}")
    assert "[digits]" in struck
    assert not any(each.isdigit() for each in struck)


def test_lists_of_addresses_and_of_numbers_stay() -> None:
    for text in (
        "peers ['10.0.0.1', '10.0.0.2']",
        "1.1.1.1, 8.8.8.8:53",
        "ports 5060, 5061, 5062",
        "0 1 2 3 4 5",
    ):
        assert strike_digits(text) == text
