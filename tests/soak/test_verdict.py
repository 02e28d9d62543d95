"""The verdict finds what grew, and nothing where nothing did."""

from dataclasses import replace

import pytest

from tests.soak.gauges import Gauges
from tests.soak.verdict import MIB, Limits, Rest, breaches

LIMITS = Limits(memory=8 * MIB)
AT_REST = Gauges(80 * MIB, 20, 12, 9)


def rests(count: int = 9, **growth: int) -> list[Rest]:
    """Rests of one process that holds so much more at each."""
    return [
        Rest(
            at_s=60.0 * place,
            calls=10 * place,
            visits=0,
            processes={
                "secure": Gauges(
                    AT_REST.memory + place * growth.get("memory", 0),
                    AT_REST.files + place * growth.get("files", 0),
                    AT_REST.sockets + place * growth.get("sockets", 0),
                    AT_REST.threads + place * growth.get("threads", 0),
                )
            },
            rows={"desk event": 200 * place, "secure job": place * growth.get("jobs", 0)},
            under_way={"captures left open": 0},
            recordings=9 * place,
        )
        for place in range(count)
    ]


def test_what_stays_as_it_is_is_no_breach() -> None:
    assert breaches(rests(), LIMITS) == []
    assert breaches(rests(1), LIMITS) == []


@pytest.mark.parametrize(
    ("what", "by", "said"),
    [
        ("memory", 2 * MIB, "12.0 MiB of memory"),
        ("files", 1, "6 files"),
        ("sockets", 1, "6 sockets"),
        ("threads", 2, "12 threads"),
        ("jobs", 1, "secure job: 8 rows"),
    ],
)
def test_what_grows_is_named(what: str, by: int, said: str) -> None:
    (line,) = breaches(rests(**{what: by}), LIMITS)
    assert said in line


def test_one_unlucky_look_says_nothing() -> None:
    series = rests()
    series[-2] = replace(series[-2], processes={"secure": replace(AT_REST, files=60, memory=200 * MIB)})
    assert breaches(series, LIMITS) == []


def test_what_stays_open_is_a_breach_at_any_rest() -> None:
    series = rests()
    series[3] = replace(series[3], under_way={"captures left open": 1})
    assert breaches(series, LIMITS) == ["1 captures left open, at rest after 30 calls"]


def test_a_process_that_was_replaced_is_a_breach() -> None:
    series = rests()
    series[-1] = replace(series[-1], processes={"secure": AT_REST, "relay": AT_REST})
    assert breaches(series, LIMITS) == ["a process has ended, or another was started"]


def test_rows_beyond_what_a_call_leaves() -> None:
    series = rests()
    series[-1] = replace(series[-1], rows={"desk event": 100 * series[-1].calls, "secure job": 0})
    (line,) = breaches(series, LIMITS)
    assert line.startswith("databases: 8000 rows more for 80 calls")
