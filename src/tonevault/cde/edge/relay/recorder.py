"""The recorder process: what relay workers send to the legs of recorded calls becomes WAV files. It refuses to keep anybody waiting: where
its disk falls behind, workers leave out what they have no room for."""

import fcntl
import os
import select
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from tonevault.cde.edge.relay.control_channel import ControlChannel
from tonevault.cde.edge.relay.control_frames import Kind, failed_frame, kind_of, plain_frame
from tonevault.cde.edge.relay.recorded_call import RecordedCall
from tonevault.cde.edge.relay.recording_batch import BATCH_LIMIT, Begun, Ended, Sent, read_batch
from tonevault.cde.edge.relay.stereo_file import StereoFile, repair
from tonevault.plumbing.process import harden_process

MARGIN_S: Final = 0.25
"""What was sent is written so much later, for packets that a worker still has in hand."""
WRITE_EVERY_S: Final = 0.25
"""With MARGIN_S and the batches of the workers (0.2 s): a file that loses its recorder lacks less than a second."""
MESSAGES_A_TURN: Final = 256
LOCK: Final = ".lock"


class _LateFile:
    """One call's file, made when there is something to write."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self._file: StereoFile | None = None

    def write(self, frames: bytes) -> None:
        if self._file is None:
            self._file = StereoFile(self._directory, self._name)
        self._file.write(frames)

    def finish(self) -> None:
        if self._file is not None:
            self._file.finish()


class _Recording:
    """One call, silent once it has failed. Nothing in it points back at it: what a call holds, four seconds of sound, is free at once when
    the call is over, and does not wait for a collector that seldom has a reason to run."""

    def __init__(self, directory: Path, name: str) -> None:
        self._file = _LateFile(directory, name)
        self._call = RecordedCall(self._file.write)
        self.failure: OSError | None = None

    def take(self, sent: Sent) -> None:
        self._call.take(sent.side, sent.codec, sent.timestamp, sent.at, sent.payload)

    def settle(self, until: float) -> None:
        """Write what was sent before `until`. Raises OSError, once; after that nothing more is written."""
        if self.failure is None:
            try:
                self._call.settle(until)
            except OSError as error:
                self.failure = error
                raise

    def finish(self) -> None:
        """Write the rest and name the file. Raises OSError."""
        try:
            if self.failure is None:
                self._call.finish()
        finally:
            self._file.finish()


class _Worker:
    """One relay worker that feeds us."""

    def __init__(self, end: socket.socket, directory: Path) -> None:
        end.setblocking(False)
        self.socket = end
        self._directory = directory
        self._calls: dict[int, _Recording] = {}
        self._now = 0.0
        self._written_at = 0.0

    def read(self) -> list[OSError]:
        """Take what has come. Raises EOFError when the worker is gone."""
        failures: list[OSError] = []
        for _ in range(MESSAGES_A_TURN):
            try:
                message = self.socket.recv(2 * BATCH_LIMIT)
            except BlockingIOError:
                break
            except ConnectionResetError:
                raise EOFError from None
            if not message:
                raise EOFError
            self._now, entries = read_batch(message)
            for entry in entries:
                match entry:
                    case Begun(call, name):
                        self._calls[call] = _Recording(self._directory, name)
                    case Sent():
                        if entry.call in self._calls:
                            self._calls[entry.call].take(entry)
                    case Ended(call):
                        failures += self._finish(call)
            if self._now - self._written_at >= WRITE_EVERY_S:
                failures += self._write()
        return failures

    def _write(self) -> list[OSError]:
        self._written_at = self._now
        failures = []
        for recording in self._calls.values():
            try:
                recording.settle(self._now - MARGIN_S)
            except OSError as error:
                failures.append(error)
        return failures

    def _finish(self, call: int) -> list[OSError]:
        recording = self._calls.pop(call, None)
        try:
            if recording is not None:
                recording.finish()
        except OSError as error:
            return [error]
        return []

    def finish_all(self) -> list[OSError]:
        """The worker is gone: its calls are over."""
        self.socket.close()
        return [failure for call in tuple(self._calls) for failure in self._finish(call)]


class Recorder:
    """The loop: workers come over the control channel, and go when their sockets do."""

    def __init__(self, channel: ControlChannel, directory: Path) -> None:
        self._channel = channel
        self._directory = directory
        self._workers: dict[int, _Worker] = {}
        self._poller = select.poll()
        self._poller.register(channel.fileno(), select.POLLIN)

    def run(self) -> None:
        """Serve until the controller closes the control channel; then finish every file."""
        try:
            self._channel.send(plain_frame(Kind.READY))
            while True:
                for descriptor, _ in self._poller.poll():
                    if descriptor == self._channel.fileno():
                        self._obey()
                    else:
                        self._read(descriptor)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            for worker in self._workers.values():
                worker.finish_all()

    def _obey(self) -> None:
        for frame, sockets in self._channel.receive():
            if kind_of(frame)[0] is Kind.RECORD_FROM:
                for end in sockets:
                    self._workers[end.fileno()] = _Worker(end, self._directory)
                    self._poller.register(end.fileno(), select.POLLIN)

    def _read(self, descriptor: int) -> None:
        worker = self._workers[descriptor]
        try:
            failures = worker.read()
        except EOFError:
            self._poller.unregister(descriptor)
            del self._workers[descriptor]
            failures = worker.finish_all()
        for failure in failures:
            self._channel.send(failed_frame(failure.errno or 0))


def _alone_in(directory: Path) -> int:
    """Wait until no other recorder works there, such as one of a secure process that was killed and is finishing. The lock lasts as long as
    the descriptor."""
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def main() -> None:
    """`python -m tonevault.cde.edge.relay.recorder N DIRECTORY`: N is the inherited file descriptor of the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    harden_process()
    channel = ControlChannel(socket.socket(fileno=int(sys.argv[1])))
    directory = Path(sys.argv[2])
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _alone_in(directory)
        repair(directory)
    except OSError as error:
        sys.exit(
            f"tonevault recorder: secure.recordings.directory: {error.strerror}; let this user write there"
        )
    Recorder(channel, directory).run()


if __name__ == "__main__":
    main()
