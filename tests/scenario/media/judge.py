"""What a listener makes of the agent's leg, and the usual scripts of a customer who keys."""

from tests.e2e.peers.listen import beeps_heard, key_fragments
from tests.e2e.peers.wav import keyed, noise, silence
from tests.scenario.media.stage import Heard, Phone
from tonevault.cde.wire.tone.beep import BEEP_HZ


def beeps(heard: Heard, payload_type: int = 0) -> int:
    return len(beeps_heard(heard.audio(payload_type), BEEP_HZ))


def assert_no_key_is_heard(heard: Heard, payload_type: int = 0) -> None:
    assert heard.types <= {payload_type}
    assert key_fragments(heard.audio(payload_type)) == []


def events_call(keys: str, **how: float) -> Phone:
    phone = Phone().says(noise(0.5, -60))
    for key in keys:
        phone.keys(key, 0.1, **how).says(noise(0.2, -60))  # type: ignore[arg-type]
    return phone.says(noise(0.3, -60))


def tones_call(keys: str) -> Phone:
    sound = silence(0.5).then(keyed(keys, 0.08, 0.12), silence(0.5))
    return Phone().says(sound.mixed_with(noise(sound.length_s, -60)))
