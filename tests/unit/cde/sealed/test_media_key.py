"""A media key shows nothing, is compared by its own method, and is zeroed."""

import copy

import pytest

from tonevault.cde.media import Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.sealed.media_warrant import open_media_key
from tonevault.cde.sealed.seal import SealedError

SECRET = b"a-master-key-of-thirty-octets!"


def key(octets: bytes = SECRET) -> MediaKey:
    return MediaKey(bytearray(octets))


def test_neither_a_key_nor_what_holds_it_shows_it() -> None:
    shown = f"{key()} {key()!r} {Srtp(SrtpSuite.CM_SHA1_80, key(), key())!r}"
    assert "sealed" in shown
    assert "master" not in shown
    with pytest.raises(SealedError):
        copy.copy(key())
    with pytest.raises(SealedError):
        _ = key() == key()


def test_keys_and_what_they_secure_are_compared_by_content() -> None:
    assert key().matches(key())
    assert not key().matches(key(SECRET[::-1]))
    assert not key().matches(key(SECRET[:-1]))
    one = Srtp(SrtpSuite.CM_SHA1_80, key(), key())
    assert one == Srtp(SrtpSuite.CM_SHA1_80, key(), key())
    assert one != Srtp(SrtpSuite.CM_SHA1_32, key(), key())
    assert one != Srtp(SrtpSuite.CM_SHA1_80, key(), key(SECRET[::-1]))
    assert one != Srtp(SrtpSuite.CM_SHA1_80, key(SECRET[::-1]), key())
    assert one != "something else"
    with pytest.raises(TypeError):
        hash(one)


def test_a_key_is_opened_for_reading_and_zeroed() -> None:
    made = key()
    with open_media_key(made) as octets:
        assert bytes(octets) == SECRET
        assert octets.readonly
    made.destroy()
    with open_media_key(made) as octets:
        assert bytes(octets) == bytes(30)
    with pytest.raises(ValueError, match="empty"):
        key(b"")


def test_a_fresh_key_has_its_length_and_all_of_the_entropy() -> None:
    numbers = iter(range(100, 146))
    made = MediaKey.fresh(46, lambda limit: next(numbers) % limit)
    assert made.length == 46
    with open_media_key(made) as octets:
        assert bytes(octets) == bytes(range(100, 146))
