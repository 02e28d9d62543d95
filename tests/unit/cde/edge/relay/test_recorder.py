"""What the recorder holds of a call goes with the call."""

import gc
import weakref
from pathlib import Path

from tonevault.cde.edge.relay.recorder import _Recording
from tonevault.cde.edge.relay.recording_batch import Sent


def test_a_call_that_is_over_is_free_at_once(tmp_path: Path) -> None:
    recording = _Recording(tmp_path, "call_x")
    recording.take(Sent(1, 0, 0, 160, 10.0, bytes(160)))
    recording.finish()
    held = weakref.ref(recording._call)
    gc.disable()
    try:
        del recording
        assert held() is None, "something in it points back, and four seconds of sound wait for the collector"
    finally:
        gc.enable()
    assert [each.suffix for each in tmp_path.iterdir()] == [".wav"]
