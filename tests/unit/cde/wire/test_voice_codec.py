"""Voice codecs: what goes in comes out, whoever made it; damaged payloads do no harm; a missing library is no codec."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.e2e.peers.listen import keys_text, level_dbm0, likeness
from tests.e2e.peers.wav import Sound, keyed, noise, silence, speech_like

from tonevault.cde.media import Codec
from tonevault.cde.wire import g722, opus
from tonevault.cde.wire.noise_payload import PauseNoise, noise_power
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.voice_codec import decoder_for, encoder_for, is_spoken

PCMU, PCMA, G722 = Codec(0, "PCMU", 8000), Codec(8, "pcma", 8000), Codec(9, "G722", 8000)
OPUS = Codec(96, "opus", 48000, 2, "useinbandfec=1")
SPOKEN = (PCMU, PCMA, G722, OPUS)


def through(codec: Codec, sound: Sound, frame: int = 160) -> Sound:
    encoder, decoder = encoder_for(codec), decoder_for(codec)
    assert encoder is not None
    assert decoder is not None
    pieces = []
    for at in range(0, len(sound.samples) - frame + 1, frame):
        payload = encoder.encode(sound.samples[at : at + frame])
        assert decoder.length(payload) == frame
        pieces.append(decoder.decode(payload))
    return Sound(np.concatenate(pieces))


@pytest.mark.parametrize("codec", SPOKEN, ids=lambda codec: codec.name)
@pytest.mark.parametrize("frame", [80, 160, 480])
def test_voice_and_keys_go_through(codec: Codec, frame: int) -> None:
    sound = speech_like(0.48).then(silence(0.12), keyed("4929#", 0.08, 0.12), silence(0.2))
    heard = through(codec, sound, frame)
    assert likeness(sound.between(0, 1.4), heard) > 0.95
    assert keys_text(heard.between(0.55, 2)) == "4929#"
    assert abs(level_dbm0(sound) - level_dbm0(heard)) < 1


@pytest.mark.parametrize(
    "codec",
    [Codec(18, "G729", 8000), Codec(97, "L16", 16000), Codec(96, "OPUS", 48000), Codec(0, "PCMU", 8000, 2)],
)
def test_other_codecs_are_not_spoken(codec: Codec) -> None:
    assert decoder_for(codec) is None
    assert encoder_for(codec) is None
    assert not is_spoken(codec)


def test_what_is_spoken_says_so() -> None:
    assert all(is_spoken(codec) for codec in SPOKEN)


@pytest.mark.parametrize(("codec", "missing"), [(G722, "g722"), (OPUS, "opus")])
def test_a_missing_library_is_no_codec(monkeypatch: pytest.MonkeyPatch, codec: Codec, missing: str) -> None:
    if missing == "g722":
        monkeypatch.setattr(g722, "G722", None)
    else:
        monkeypatch.setattr(opus, "LIBRARY", "libopus-that-is-not-there.so")
        opus._library.cache_clear()
    try:
        assert decoder_for(codec) is None
        assert encoder_for(codec) is None
        assert not is_spoken(codec)
    finally:
        opus._library.cache_clear()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_damaged_payloads_do_no_harm(payloads: list[bytes]) -> None:
    for codec in SPOKEN:
        decoder = decoder_for(codec)
        assert decoder is not None
        for payload in payloads:
            length = decoder.length(payload)
            assert 0 <= length <= 960
            if length:
                assert len(decoder.decode(payload)) == length


def test_a_stereo_packet_at_48_khz_is_heard() -> None:
    """As browsers send it: full band, two channels, the voice on one of them."""
    library = opus._library()
    assert library is not None
    library.opus_encoder_get_size.restype = ctypes.c_int
    memory = ctypes.create_string_buffer(library.opus_encoder_get_size(2))
    library.opus_encoder_init(memory, 48000, 2, 2049)
    sound = keyed("17", 0.1, 0.1)
    wide = np.repeat(sound.samples, 6)
    stereo = np.stack([wide, np.zeros_like(wide)], axis=1)
    decoder, pieces = opus.decoder(), []
    assert decoder is not None
    for at in range(0, len(wide) - 959, 960):
        frame = np.ascontiguousarray(stereo[at : at + 960])
        payload = ctypes.create_string_buffer(1275)
        count = library.opus_encode(memory, frame.ctypes.data_as(ctypes.c_void_p), 960, payload, 1275)
        pieces.append(decoder.decode(payload.raw[:count]))
    assert keys_text(Sound(np.concatenate(pieces))) == "17"


def test_a_packet_of_another_length_is_refused() -> None:
    encoder = opus.encoder()
    assert encoder is not None
    with pytest.raises(ValueError, match="10, 20, 40 or 60"):
        encoder.encode(np.zeros(100, np.int16))


def test_the_state_of_a_codec_is_overwritten_when_it_goes() -> None:
    decoder, encoder = opus.decoder(), opus.encoder()
    assert decoder is not None
    assert encoder is not None
    for _ in range(5):
        decoder.decode(encoder.encode(noise(0.02, -10).samples))
    memory = decoder._state.memory
    assert any(memory.raw)
    del decoder
    assert not any(memory.raw)


def test_comfort_noise_is_as_loud_as_it_says() -> None:
    """RFC 3389: 0 is the overload of the line, so that −dBov is about 6 dB below the same figure in dBm0."""
    assert noise_power(b"\x46") == pytest.approx(power_of(6.18 - 70))
    assert noise_power(b"\xc6\x01\x02") == noise_power(b"\x46")
    assert noise_power(b"\x00") == power_of(-35)
    assert noise_power(b"") == 0.0
    made = PauseNoise().take(8000, power_of(-50))
    assert level_dbm0(Sound(made)) == pytest.approx(-50, abs=0.5)
