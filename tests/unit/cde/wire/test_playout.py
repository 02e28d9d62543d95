"""Playout: audio in order at once, a little patience with disorder, silence in step with time where nothing comes."""

from tonevault.cde.media import Codec
from tonevault.cde.wire.playout import FRAME_SAMPLES, PATIENCE_S, Hole, Piece, Playout, Spoken

FRAME = bytes(160)
PCMU, OPUS = Codec(0, "PCMU", 8000), Codec(96, "OPUS", 48000, 2)


def spoken(sequence: int, timestamp: int, octets: bytes) -> Spoken:
    return Spoken(sequence, timestamp, PCMU, len(octets), octets)


def samples(pieces: list[Piece]) -> list[int]:
    """Lengths; holes are negative."""
    return [-piece.samples if isinstance(piece, Hole) else piece.samples for piece in pieces]


def octets(pieces: list[Piece]) -> list[bytes]:
    return [piece.payload for piece in pieces if isinstance(piece, Spoken)]


def holes(pieces: list[Piece]) -> list[tuple[int, int, bool]]:
    return [(piece.timestamp, piece.samples, piece.lost) for piece in pieces if isinstance(piece, Hole)]


def started() -> Playout:
    playout = Playout(0.0)
    assert samples(playout.arrive(spoken(10, 1600, FRAME), 0.0)) == [160]
    return playout


def test_packets_in_order_come_out_at_once() -> None:
    playout = started()
    for n in range(1, 10):
        assert samples(playout.arrive(spoken(10 + n, 1600 + 160 * n, FRAME), 0.02 * n)) == [160]
    assert playout.filled_samples == 0


def test_a_packet_that_overtook_waits_for_the_one_before() -> None:
    playout = started()
    assert playout.arrive(spoken(12, 1920, b"B" * 160), 0.02) == []
    assert octets(playout.arrive(spoken(11, 1760, b"A" * 160), 0.025)) == [b"A" * 160, b"B" * 160]


def test_what_is_lost_becomes_silence_when_the_wait_is_over() -> None:
    playout = started()
    assert playout.arrive(spoken(12, 1920, FRAME), 0.04) == []
    assert playout.tick(0.045) == []
    assert samples(playout.tick(0.051)) == [-160, 160]


def test_duplicates_and_what_comes_too_late_are_dropped() -> None:
    playout = started()
    playout.arrive(spoken(12, 1920, FRAME), 0.04)
    assert playout.arrive(spoken(12, 1920, FRAME), 0.041) == []
    playout.tick(0.06)
    assert playout.arrive(spoken(11, 1760, FRAME), 0.07) == []
    assert playout.late_packets == 2


def test_silence_keeps_step_with_time_while_nothing_comes() -> None:
    playout = started()
    assert playout.tick(0.02 + PATIENCE_S - 0.001) == []
    total = sum(-n for tick in range(400) for n in samples(playout.tick(0.02 + PATIENCE_S + 0.005 * tick)))
    assert abs(total - 8000 * (PATIENCE_S + 2.0)) <= FRAME_SAMPLES


def test_after_a_pause_that_was_filled_audio_goes_on_without_a_second_filling() -> None:
    playout = started()
    for tick in range(200):
        playout.tick(0.005 * tick)
    assert samples(playout.arrive(spoken(11, 1600 + 8000, FRAME), 1.0)) in ([160], [-160, 160])


def test_a_clock_that_jumped_is_followed_without_filling() -> None:
    playout = started()
    assert samples(playout.arrive(spoken(11, 900_000, FRAME), 0.02)) == [160]
    assert samples(playout.arrive(spoken(12, 900_160, FRAME), 0.04)) == [160]


def test_numbers_of_an_event_are_not_missing() -> None:
    playout = started()
    for n in range(1, 5):
        assert playout.skip(10 + n, 0.02 * n) == []
    assert samples(playout.arrive(spoken(15, 1600 + 5 * 160, FRAME), 0.1)) == [-640, 160]


def test_another_source_is_taken_up_where_it_is() -> None:
    playout = started()
    playout.source_changed()
    assert samples(playout.arrive(spoken(60000, 5, FRAME), 0.02)) == [160]
    assert samples(playout.arrive(spoken(60001, 165, FRAME), 0.04)) == [160]


def test_a_source_that_began_anew_is_taken_up() -> None:
    playout = started()
    assert samples(playout.arrive(spoken(50000, 7_000_000, FRAME), 0.02)) == [160]


def test_audio_that_is_late_for_good_is_heard() -> None:
    playout = started()
    heard = 0
    for tick in range(400):
        now = 0.005 * tick
        playout.tick(now)
        if tick % 4 == 0 and now >= 0.4:
            n = (tick - 80) // 4 + 1
            heard += sum(
                length
                for length in samples(playout.arrive(spoken(10 + n, 1600 + 160 * n, FRAME), now))
                if length > 0
            )
    assert heard >= 0.95 * 160 * 80


def test_a_burst_after_a_stall_is_thinned_out() -> None:
    playout = started()
    for tick in range(400):
        playout.tick(0.005 * tick)
    arrived = [playout.arrive(spoken(11 + n, 1760 + 160 * n, FRAME), 2.0) for n in range(100)]
    assert sum(length for pieces in arrived for length in samples(pieces) if length > 0) < 8000


def test_a_process_that_was_stopped_fills_a_second_at_most() -> None:
    playout = started()
    assert samples(playout.tick(3600.0)) == [-8000]
    assert samples(playout.tick(3600.021)) in ([], [-160])


def test_what_is_lost_and_what_was_left_out_are_told_apart() -> None:
    playout = started()
    playout.arrive(spoken(12, 1920, FRAME), 0.04)
    assert holes(playout.tick(0.06)) == [(1760, 160, True)]
    assert holes(playout.arrive(spoken(13, 2080 + 320, FRAME), 0.1)) == [(2080, 320, False)]


def test_what_was_lost_before_an_event_was_lost() -> None:
    playout = started()
    playout.skip(13, 0.06)
    assert holes(playout.arrive(spoken(14, 1600 + 4 * 160, FRAME), 0.08)) == [(1760, 480, True)]
    playout.skip(15, 0.1)
    assert holes(playout.arrive(spoken(16, 1600 + 6 * 160, FRAME), 0.12)) == [(1600 + 5 * 160, 160, False)]


def test_a_pause_that_was_told_is_filled_at_once() -> None:
    playout = started()
    assert playout.pause(11, 0.02) == []
    assert holes(playout.tick(0.021)) == [(1760, 160, False)]
    assert holes(playout.tick(0.041)) == [(1920, 160, False)]
    assert samples(playout.arrive(spoken(12, 2080, FRAME), 0.06)) == [160]
    assert playout.tick(0.1) == []


def test_lengths_are_those_of_the_line_whatever_the_clock() -> None:
    playout = Playout(0.0)
    frame = Spoken(7, 960, OPUS, 160, b"x")
    assert samples(playout.arrive(frame, 0.0)) == [160]
    assert samples(playout.arrive(Spoken(8, 1920, OPUS, 160, b"x"), 0.02)) == [160]
    assert holes(playout.arrive(Spoken(9, 4800, OPUS, 160, b"x"), 0.08)) == [(2880, 320, False)]
    assert frame.end == 1920


def test_another_clock_is_another_stretch() -> None:
    playout = started()
    assert samples(playout.arrive(Spoken(11, 5, OPUS, 160, b"x"), 0.02)) == [160]
    assert playout.arrive(spoken(10, 1600, FRAME), 0.025) == []
    assert samples(playout.arrive(Spoken(12, 965, OPUS, 160, b"x"), 0.04)) == [160]
