"""Whether times tell keys: a listener who has learned, from half of the keys, at which times each key shows itself, guesses the others."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

KEYS = 16
BIN = 8
"""Samples, 1 ms, that are as one time."""


def guessed(times: Sequence[tuple[int, ...]], events: Sequence[int]) -> int:
    """Keys named, of all of them, each half by what was learned from the other: naive Bayes over what was counted."""
    bins = np.array(times) // BIN
    keys = np.array(events)
    half = len(keys) // 2
    parts = np.arange(len(keys)) < half
    return _named(bins[parts], keys[parts], bins[~parts], keys[~parts]) + _named(
        bins[~parts], keys[~parts], bins[parts], keys[parts]
    )


def _named(learned: np.ndarray, taught: np.ndarray, bins: np.ndarray, keys: np.ndarray) -> int:
    likely = np.zeros((len(keys), KEYS))
    for column in range(bins.shape[1]):
        counts: dict[int, np.ndarray] = defaultdict(lambda: np.ones(KEYS))
        for time, key in zip(learned[:, column].tolist(), taught.tolist(), strict=True):
            counts[time][key] += 1
        totals = sum(counts.values(), np.zeros(KEYS))
        likely += np.log(np.array([counts[time] / totals for time in bins[:, column].tolist()]))
    return int(np.sum(likely.argmax(axis=1) == keys))


def correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two measures of the same keys; zero where one of them never varies."""
    if np.std(one) < 1e-9 or np.std(other) < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
