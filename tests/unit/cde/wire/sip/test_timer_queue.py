"""Timers in one heap: order, moves, cancellation, and memory that does not grow with cancelled ones."""

import random

from tonevault.cde.wire.sip.timer_queue import TimerQueue


def test_due_in_order_of_time() -> None:
    queue: TimerQueue[str] = TimerQueue()
    for key, when in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        queue.set(key, when)
    assert queue.next() == 1.0
    assert [queue.pop_due(2.5) for _ in range(3)] == ["a", "b", None]
    assert (queue.pop_due(3.0), queue.next(), len(queue)) == ("c", None, 0)


def test_a_key_set_again_is_due_at_its_new_time_alone() -> None:
    queue: TimerQueue[str] = TimerQueue()
    queue.set("a", 1.0)
    queue.set("a", 5.0)
    assert queue.pop_due(4.0) is None
    queue.set("a", 2.0)
    assert queue.pop_due(4.0) == "a"
    assert queue.pop_due(9.0) is None


def test_a_cancelled_key_is_not_due() -> None:
    queue: TimerQueue[str] = TimerQueue()
    queue.set("a", 1.0)
    queue.cancel("a")
    queue.cancel("b")
    assert queue.next() is None
    assert queue.pop_due(9.0) is None


def test_cancelled_entries_do_not_pile_up() -> None:
    queue: TimerQueue[int] = TimerQueue()
    for turn in range(10_000):
        queue.set(turn % 10, float(turn))
    assert len(queue._heap) < 200
    assert len(queue) == 10


def test_against_a_plain_dictionary() -> None:
    rng = random.Random(11)
    queue: TimerQueue[int] = TimerQueue()
    model: dict[int, float] = {}
    for turn in range(3000):
        key = rng.randrange(40)
        if rng.random() < 0.6:
            queue.set(key, when := turn + rng.random() * 50)
            model[key] = when
        else:
            queue.cancel(key)
            model.pop(key, None)
        while (due := queue.pop_due(float(turn))) is not None:
            assert model.pop(due) <= turn
        assert queue.next() == min(model.values(), default=None)
