"""Recordings by real workers and a real recorder: masked as the agent heard it, whole whoever is killed, and never in the way of a call."""

import asyncio
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.e2e.peers import g711
from tests.e2e.peers.listen import beeps_heard
from tests.e2e.peers.wav import RATE_HZ, Sound, keyed, noise
from tests.scenario.media.test_real_workers import INTERFACE, PATIENCE_S, Phone, Sink, connect, until
from tonevault.app.tones import Wish, list_tones
from tonevault.app.tones_progress import TerminalProgress
from tonevault.cde.edge.relay import recorder_link
from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.recorder_link import RecorderLink
from tonevault.cde.media import MaskMode, MediaPorts, MediaUnavailableError
from tonevault.cde.wire.tone.beep import BEEP_HZ, BEEP_LEVEL_DBM0
from tonevault.kernel.ids import CallId

CALL = CallId("call_recorded")
PACKET_S = 0.02
MASK_DELAY_S = 0.02
"""What was said before a capture is still on its way to the agent."""
NO_CLICK = 1.5
"""Companding sharpens the turns at a beep's ends by a fifth; a beep that begins or ends without a fade turns twice as sharply and more."""
LACKS_AT_MOST_S = 1.0
"""Of a recording whose recorder was killed."""


async def talk(ports: MediaPorts, customer: Phone, agent: Phone, left: Sound, right: Sound) -> None:
    """Both say something at once, in real time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for at in range(0, len(left.samples) - 159, 160):
        customer.say(ports.customer.port, g711.encode(0, left.samples[at : at + 160]))
        agent.say(ports.agent.port, g711.encode(0, right.samples[at : at + 160]))
        await asyncio.sleep(max(0.0, began + (at + 160) / RATE_HZ - loop.time()))


def channels(path: Path) -> tuple[Sound, Sound]:
    """Left and right of a recording, as any player would read it."""
    octets = path.read_bytes()
    assert octets[:4] == b"RIFF"
    length = int.from_bytes(octets[40:44], "little")
    assert length <= len(octets) - 44
    frames = np.frombuffer(octets[44 : 44 + length], "<i2").reshape(-1, 2)
    return Sound(frames[:, 0].copy()), Sound(frames[:, 1].copy())


def loud_s(sound: Sound) -> float:
    """How long a channel is louder than −40 dBm0 or so, in 20 ms frames."""
    frames = sound.samples[: len(sound.samples) // 160 * 160].astype(float).reshape(-1, 160)
    return float(((frames**2).mean(axis=1) > 200.0**2).sum()) * PACKET_S


def place_of(sent: Sound, heard: Sound) -> float:
    """Where a sound stands in another, in seconds, sample by sample as G.711 carries it."""
    wanted = g711.decode(0, g711.encode(0, sent.samples))
    windows = np.lib.stride_tricks.sliding_window_view(heard.samples, len(wanted))
    (place,) = np.flatnonzero((windows[:, :160] == wanted[:160]).all(axis=1))
    assert np.array_equal(windows[place], wanted)
    return float(place) / RATE_HZ


def bend(sound: Sound) -> float:
    """The sharpest turn of a wave: a click is sharper than all of a tone that swells and fades."""
    return float(np.abs(np.diff(sound.samples.astype(float), n=2)).max())


def tones_in(path: Path) -> int:
    """What `tonevault tones` says of it: 0, if no card number is in it; and no key at all."""
    out, errors = BytesIO(), BytesIO()
    with TerminalProgress() as progress:
        outcome = list_tones((path,), Wish(show=True, as_json=True), out, errors, progress)
    assert b'"keys": []' in out.getvalue(), "a key is heard in the recording"
    return outcome


Scene = Callable[[RelayPlane, Phone, Phone, Path], Awaitable[None]]


def play(directory: Path, scene: Scene) -> None:
    async def run() -> None:
        plane = RelayPlane(RelaySettings(INTERFACE, recordings=directory))
        await plane.start(Sink())
        try:
            with Phone() as customer, Phone() as agent:
                await scene(plane, customer, agent, directory)
        finally:
            await plane.stop()

    asyncio.run(run())


def recorder(plane: RelayPlane) -> psutil.Process:
    assert plane._recorder is not None
    assert plane._recorder._link is not None
    return psutil.Process(plane._recorder._link.pid)


@pytest.mark.parametrize("mode", MaskMode)
def test_a_capture_is_recorded_as_the_agent_heard_it(tmp_path: Path, mode: MaskMode) -> None:
    directory = tmp_path / "recordings"
    before = noise(1.0, -20), noise(1.0, -20, seed=2)

    async def scene(plane: RelayPlane, customer: Phone, agent: Phone, _: Path) -> None:
        ports = connect(plane, CALL, customer, agent)
        await talk(ports, customer, agent, *before)
        plane.start_capture(CALL, mode)
        await asyncio.sleep(0.1)
        keys = keyed("4000056655665556")
        await talk(ports, customer, agent, keys, noise(keys.length_s, -20, seed=3))
        plane.stop_capture(CALL)
        plane.close(CALL)
        await until((directory / f"{CALL}.wav").exists)

    play(directory, scene)
    path = directory / f"{CALL}.wav"
    assert path.stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    assert not any(letter.isdigit() for letter in path.name)
    assert tones_in(path) == 0
    left, right = channels(path)
    assert 3.4 < left.length_s < 4.6
    # Outside the capture each side is on its own channel, sample by sample, and both stand on one line of time.
    at = [place_of(sent, channel) for sent, channel in zip(before, (left, right), strict=True)]
    assert abs(at[0] - at[1]) < 0.1
    capture = left.between(at[0] + 1.0 + MASK_DELAY_S, left.length_s)
    # One beep of 60 ms for each key, and nothing else that is loud.
    assert 16 * 0.04 < loud_s(capture) < 16 * 0.1
    assert loud_s(right) > 3.2
    beeps = beeps_heard(capture, BEEP_HZ)
    assert len(beeps) == 16
    assert {round(each.length_s, 2) for each in beeps} == {0.06}
    assert all(abs(each.level_dbm0 - BEEP_LEVEL_DBM0) < 1.0 for each in beeps)
    for each in beeps:
        assert bend(capture.between(each.start_s - 0.01, each.end_s + 0.01)) < NO_CLICK * bend(
            capture.between(each.start_s + 0.01, each.end_s - 0.01)
        )


def test_a_killed_recorder_leaves_a_file_that_opens_and_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_link, "RESPAWN_S", 0.05)

    async def scene(plane: RelayPlane, customer: Phone, agent: Phone, directory: Path) -> None:
        ports = connect(plane, CALL, customer, agent)
        await talk(ports, customer, agent, noise(2.0, -20), noise(2.0, -20, seed=2))
        first = recorder(plane)
        os.kill(first.pid, signal.SIGKILL)
        first.wait(PATIENCE_S)
        (left,) = {sound.length_s for sound in channels(directory / f"{CALL}.part")}
        assert left > 2.0 - LACKS_AT_MOST_S
        await until((directory / f"{CALL}.wav").exists)
        await until(lambda: recorder(plane).pid != first.pid)
        # The call went on all the while, and so does its recording, in another file.
        part = directory / f"{CALL}-b.part"
        for _ in range(100):
            await talk(ports, customer, agent, noise(0.1, -20), noise(0.1, -20, seed=2))
            if part.exists():
                break
        await talk(ports, customer, agent, noise(0.5, -20), noise(0.5, -20, seed=2))
        plane.close(CALL)
        await until((directory / f"{CALL}-b.wav").exists)
        assert loud_s(channels(directory / f"{CALL}-b.wav")[1]) > 0.4

    play(tmp_path, scene)
    assert loud_s(channels(tmp_path / f"{CALL}.wav")[0]) > 2.0 - LACKS_AT_MOST_S


def test_a_full_disk_ends_the_recording_and_not_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(plane: RelayPlane, customer: Phone, agent: Phone, directory: Path) -> None:
        # The kernel refuses to let a file grow beyond this, as it would where there is no space left.
        resource.prlimit(recorder(plane).pid, resource.RLIMIT_FSIZE, (32_000, 32_000))
        ports = connect(plane, CALL, customer, agent)
        await talk(ports, customer, agent, noise(1.4, -20), noise(1.4, -20, seed=2))
        await until(lambda: "a recording stopped, its call goes on: File too large" in caplog.text)
        while select_ready(agent.socket):
            agent.socket.recv(2048)
        customer.say(ports.customer.port, b"\x11" * 160)
        assert (await agent.hear()).payload == b"\x11" * 160
        plane.close(CALL)
        await until((directory / f"{CALL}.wav").exists)

    play(tmp_path, scene)
    left, _ = channels(tmp_path / f"{CALL}.wav")
    assert 0.2 < left.length_s < 1.0


def test_a_recorder_that_stands_still_keeps_no_voice_waiting(tmp_path: Path) -> None:
    async def scene(plane: RelayPlane, customer: Phone, agent: Phone, directory: Path) -> None:
        ports = connect(plane, CALL, customer, agent)
        await talk(ports, customer, agent, noise(0.5, -20), noise(0.5, -20, seed=2))
        os.kill(recorder(plane).pid, signal.SIGSTOP)
        await talk(ports, customer, agent, noise(1.0, -20), noise(1.0, -20, seed=2))
        while select_ready(agent.socket):
            agent.socket.recv(2048)
        customer.say(ports.customer.port, b"\x11" * 160)
        assert (await agent.hear()).payload == b"\x11" * 160
        os.kill(recorder(plane).pid, signal.SIGCONT)
        plane.close(CALL)
        await until((directory / f"{CALL}.wav").exists)

    play(tmp_path, scene)
    left, right = channels(tmp_path / f"{CALL}.wav")
    assert loud_s(left) > 1.4
    assert loud_s(right) > 1.4


def test_a_place_that_cannot_be_written_is_refused_at_the_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "file"
    taken.touch()
    with pytest.raises(MediaUnavailableError, match="it says why on standard error"):
        asyncio.run(RecorderLink(taken).start())
    assert "secure.recordings.directory: " in capfd.readouterr().err


def select_ready(one: socket.socket) -> bool:
    """Whether something waits to be read."""
    one.setblocking(False)
    try:
        one.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        one.settimeout(PATIENCE_S)
