"""A line whose noise takes the guarantee away: the relay itself hushes the customer, says so, and lets go when the line is quiet."""

import pytest

from tests.e2e.peers.listen import beeps_heard, level_dbm0
from tests.e2e.peers.wav import Sound, keyed, noise, silence
from tests.scenario.media.stage import Phone, Stage
from tonevault.cde.media import Carrier, Codec, MaskMode
from tonevault.cde.wire.tone.beep import BEEP_HZ

G722 = Codec(9, "G722", 8000)
OPUS = Codec(107, "OPUS", 48000, 2)
PCMU = Codec(0, "PCMU", 8000)


def on_a_line(level_dbm0: float, length_s: float, keys: str = "", at_s: float = 0.0) -> Sound:
    """Steady noise, and keys pressed in it."""
    return noise(length_s, level_dbm0, seed=3).mixed_with(
        silence(at_s).then(keyed(keys, 0.1, 0.15, level_dbm0=-6.0))
    )


@pytest.mark.parametrize("codec", [PCMU, G722, OPUS], ids=lambda codec: codec.name)
def test_a_noisy_line_hushes_and_a_quiet_one_is_heard_again(codec: Codec) -> None:
    sound = on_a_line(-24, 5.0, "42", 4.0).then(on_a_line(-60, 4.0, "7#", 3.0))
    stage = (
        Stage(customer=(codec,), agent=(codec,)).sends(Phone(codec=codec).says(sound)).capture(0.0).play(9.2)
    )
    assert stage.mask_changes() == [MaskMode.HUSH, MaskMode.TALK]
    hushed_at = next(at for at, report in stage.reports if getattr(report, "mode", None) is MaskMode.HUSH)
    assert hushed_at < 3.0
    heard = stage.agent_heard.decoded(codec)
    assert level_dbm0(heard.between(hushed_at + 0.1, 3.9)) < -60
    assert level_dbm0(heard.between(0.5, hushed_at - 0.1)) > -30
    assert stage.keyed(Carrier.TONE) == "427#"
    assert len(beeps_heard(heard.between(3.9, 9), BEEP_HZ)) == 4


def test_what_the_agent_asked_for_is_not_undone_by_a_quiet_line() -> None:
    sound = on_a_line(-24, 3.0).then(on_a_line(-60, 3.0))
    stage = Stage().sends(Phone().says(sound)).capture(0.0, mode=MaskMode.HUSH).play(6.0)
    assert stage.mask_changes() == []
    assert not stage.agent_heard.between(0.3, 6).audio().samples.any()
