"""`a=crypto`: which lines can be used, which are passed over, and what is written."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.media import SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.sealed.media_warrant import open_media_key
from tonevault.cde.wire.sdp.crypto import MAX_LINES, CryptoLine, crypto_lines, written
from tonevault.cde.wire.sdp.model import Line, MediaDescription

# The key of RFC 4568 section 5.1's first example.
EXAMPLE = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


def media(*values: str) -> MediaDescription:
    return MediaDescription(
        "audio", 4000, "RTP/SAVP", ("0",), lines=tuple(Line("a", f"crypto:{value}") for value in values)
    )


def octets_of(line: CryptoLine) -> bytes:
    with open_media_key(line.key) as octets:
        return bytes(octets)


def test_the_example_of_the_rfc() -> None:
    (line,) = crypto_lines(media(f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE}|2^20"))
    assert (line.tag, line.suite) == (1, SrtpSuite.CM_SHA1_80)
    assert octets_of(line) == b"YS___semctl () {\t220;}\n}\nunles"
    assert EXAMPLE not in repr(line)
    assert "semctl" not in repr(line)


@pytest.mark.parametrize(
    "value",
    [
        f"2 aes_cm_128_hmac_sha1_32 inline:{EXAMPLE}",
        f"2  AES_CM_128_HMAC_SHA1_32\tinline:{EXAMPLE}|1048576 WSH=64",
        f"2 AES_CM_128_HMAC_SHA1_32 inline:{EXAMPLE} KDR=0 -NEW=thing ",
    ],
)
def test_what_changes_nothing_is_tolerated(value: str) -> None:
    (line,) = crypto_lines(media(value))
    assert (line.tag, line.suite) == (2, SrtpSuite.CM_SHA1_32)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "x AES_CM_128_HMAC_SHA1_80 inline:" + EXAMPLE,
        "1234567890 AES_CM_128_HMAC_SHA1_80 inline:" + EXAMPLE,
        "1 F8_128_HMAC_SHA1_80 inline:" + EXAMPLE,
        "1 AES_256_CM_HMAC_SHA1_80 inline:" + EXAMPLE,
        "1 AES_CM_128_HMAC_SHA1_80 prompt:" + EXAMPLE,
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + EXAMPLE[:-4],
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + EXAMPLE + "QUJD",
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + EXAMPLE[:-1],
        "1 AES_CM_128_HMAC_SHA1_80 inline:" + EXAMPLE[:-1] + "*",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE}|2^20|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE}|1:4",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE}|forever",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE};inline:{EXAMPLE}",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE} UNENCRYPTED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE} UNENCRYPTED_SRTCP WSH=64",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE} UNAUTHENTICATED_SRTP",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE} KDR=5",
        f"1 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE} FEC_ORDER=FEC_SRTP",
        "1 AEAD_AES_256_GCM inline:" + EXAMPLE,
    ],
)
def test_what_the_relay_could_not_do_is_passed_over(value: str) -> None:
    good = f"7 AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE}"
    assert [line.tag for line in crypto_lines(media(value, good))] == [7]


def test_a_tag_counts_once_and_lines_without_end_are_not_read() -> None:
    lines = [f"{n // 2} AES_CM_128_HMAC_SHA1_80 inline:{EXAMPLE}" for n in range(2 * MAX_LINES)]
    assert [line.tag for line in crypto_lines(media(*lines))] == list(range(MAX_LINES // 2))


@pytest.mark.parametrize("suite", [SrtpSuite.GCM_128, SrtpSuite.GCM_256])
def test_padding_may_be_left_out(suite: SrtpSuite) -> None:
    octets = bytes(range(suite.key_octets))
    key = b64encode(octets).decode().rstrip("=")
    (line,) = crypto_lines(media(f"1 {suite.value} inline:{key}"))
    assert octets_of(line) == octets


@given(st.data(), st.sampled_from(SrtpSuite), st.integers(0, 999_999_999))
def test_what_is_written_reads_back(data: st.DataObject, suite: SrtpSuite, tag: int) -> None:
    octets = data.draw(st.binary(min_size=suite.key_octets, max_size=suite.key_octets))
    line = written(CryptoLine(tag, suite, MediaKey(bytearray(octets))))
    (back,) = crypto_lines(MediaDescription("audio", 1, "RTP/SAVP", ("0",), lines=(line,)))
    assert (back.tag, back.suite, octets_of(back)) == (tag, suite, octets)


@given(st.text(max_size=120))
def test_nothing_that_a_peer_writes_breaks_it(value: str) -> None:
    assert len(crypto_lines(media(value))) <= 1
