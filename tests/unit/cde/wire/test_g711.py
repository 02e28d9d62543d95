"""G.711 against the values of ITU-T G.711 tables 1 and 2, and against its own definition: the nearest value."""

import numpy as np
import pytest

from tonevault.cde.wire.g711 import (
    Law,
    alaw_to_linear,
    decode,
    encode,
    linear_to_alaw,
    linear_to_ulaw,
    ulaw_to_linear,
)


@pytest.mark.parametrize(
    ("octet", "value"),
    [(0x00, -32124), (0x80, 32124), (0xFF, 0), (0x7F, 0), (0xFE, 8), (0x7E, -8), (0xEF, 132), (0x8F, 16764)],
)
def test_ulaw_values_of_table_2(octet: int, value: int) -> None:
    assert ulaw_to_linear(bytes([octet])).tolist() == [value]


@pytest.mark.parametrize(
    ("octet", "value"),
    [(0xD5, 8), (0x55, -8), (0xAA, 32256), (0x2A, -32256), (0xC5, 264), (0x45, -264), (0xF5, 528)],
)
def test_alaw_values_of_table_1(octet: int, value: int) -> None:
    assert alaw_to_linear(bytes([octet])).tolist() == [value]


@pytest.mark.parametrize("law", Law)
def test_every_value_survives_a_round_trip(law: Law) -> None:
    values = decode(law, bytes(range(256)))
    assert decode(law, encode(law, values)).tolist() == values.tolist()


@pytest.mark.parametrize("law", Law)
def test_every_sample_becomes_the_nearest_value(law: Law) -> None:
    values = np.unique(decode(law, bytes(range(256))).astype(np.int32))
    samples = np.arange(-32768, 32768, 7, dtype=np.int32)
    got = decode(law, encode(law, samples.astype(np.int16))).astype(np.int32)
    nearest = np.abs(samples[:, None] - values[None, :]).min(axis=1)
    assert (np.abs(samples - got) == nearest).all()


def test_the_named_pairs_are_the_laws() -> None:
    samples = np.array([-20000, -3, 0, 5, 1234, 32767], np.int16)
    assert linear_to_ulaw(samples) == encode(Law.ULAW, samples) != linear_to_alaw(samples)
    assert linear_to_alaw(samples) == encode(Law.ALAW, samples)


def test_nothing_is_nothing() -> None:
    assert len(ulaw_to_linear(b"")) == 0
    assert linear_to_alaw(np.zeros(0, np.int16)) == b""


def test_a_slice_with_a_stride_is_encoded_sample_by_sample() -> None:
    stereo = np.arange(20, dtype=np.int16)
    assert len(linear_to_ulaw(stereo[::2])) == 10
