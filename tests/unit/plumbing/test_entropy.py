"""Randomness in blocks: never handed out twice, uniform, erased here, and not shared with a child."""

import os

from tonevault.plumbing.entropy import BLOCK, SystemEntropy


def test_bytes_are_handed_out_once_and_erased() -> None:
    entropy = SystemEntropy()
    taken = [entropy.take(12) for _ in range(2_000)]
    assert len(set(taken)) == 2_000
    assert not any(entropy._block[: entropy._at])
    assert len(entropy.take(BLOCK * 2)) == BLOCK * 2


def test_integers_are_below_their_limit_and_reach_all_of_it() -> None:
    entropy = SystemEntropy()
    for limit in (1, 2, 3, 26, 257):
        seen = {entropy.below(limit) for _ in range(limit * 40)}
        assert seen == set(range(limit))
    assert max(entropy.below(26**28).bit_length() for _ in range(200)) > 120


def test_a_forked_child_draws_its_own() -> None:
    entropy = SystemEntropy()
    entropy.take(16)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, entropy.take(16))
        os._exit(0)
    mine = entropy.take(16)
    os.waitpid(child, 0)
    assert os.read(reading, 16) != mine
    os.close(reading)
    os.close(writing)
