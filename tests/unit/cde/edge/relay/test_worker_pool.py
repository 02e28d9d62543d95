"""Who gets the next call: the worker with the least load, not the one that only has the fewest calls."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from tonevault.cde.edge.relay import worker_pool
from tonevault.cde.edge.relay.control_frames import Load
from tonevault.cde.edge.relay.worker_link import RelayedCall
from tonevault.cde.edge.relay.worker_pool import WorkerPool
from tonevault.cde.media import MediaUnavailableError
from tonevault.kernel.ids import CallId

IDLE = Load(0, 0, 0, 0, 0, 0, 0)
CALL = RelayedCall(CallId("call_a"), 1, (2, 4))


@dataclass
class Link:
    """As much of a worker as the choice looks at."""

    load: Load = IDLE
    calls: dict[int, RelayedCall] = field(default_factory=dict)
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, calls: int, busy_permille: int, *, told: int | None = None) -> "Link":
        load = replace(IDLE, calls=calls if told is None else told, busy_permille=busy_permille)
        link = cls(load, dict.fromkeys(range(calls), CALL))
        link.is_ready.set()
        return link


def chosen(monkeypatch: pytest.MonkeyPatch, *links: Link) -> int:
    pool = WorkerPool(1, 1, lambda *_: None, lambda _: None, lambda _: None)
    monkeypatch.setattr(pool, "links", list(links))
    return [id(link) for link in links].index(id(pool.least_loaded()))


def test_the_least_busy_is_chosen_even_with_more_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, Link.of(10, 600), Link.of(100, 150)) == 1


def test_of_equals_the_one_with_fewer_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, Link.of(5, 130), Link.of(4, 110)) == 1


def test_what_was_given_since_the_last_word_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or everything that comes within five seconds would go to one worker."""
    assert worker_pool.CALL_PERMILLE * 100 > worker_pool.EVEN_PERMILLE
    assert chosen(monkeypatch, Link.of(100, 0, told=0), Link.of(20, 60)) == 1


def test_one_that_still_starts_is_chosen_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(monkeypatch, Link(), Link.of(500, 900)) == 1


def test_none_is_a_fault_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MediaUnavailableError, match="none is running"):
        chosen(monkeypatch)
