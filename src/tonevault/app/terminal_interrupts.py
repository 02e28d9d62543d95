"""What Ctrl-C does while keys are worked on: it ends a question, waits for a short act, and stops a long one between two steps.

Left to itself, asyncio would only mark the task for cancelling: a question goes on waiting for its answer, and an act ends half done.
"""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any, Final

import click

INTERRUPTED_EXIT: Final = 130
"""128 and the number of SIGINT, as shells tell of a command that Ctrl-C ended."""


class Stopped(click.ClickException):
    """Ctrl-C; the message says how things stand and how to go on."""

    exit_code = INTERRUPTED_EXIT

    def show(self, file: IO[Any] | None = None) -> None:
        """Print to stderr, without calling it an error."""
        click.echo(f"Stopped. {self.message}", file=file, err=file is None)


@contextmanager
def ending_a_question() -> Iterator[None]:
    """Ctrl-C and the end of input raise Stopped at once: whatever is asked is asked before anything is done."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except (click.Abort, KeyboardInterrupt, EOFError):
        raise Stopped("Nothing was done.") from None
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def waiting_for_the_act() -> Iterator[None]:
    """Ctrl-C is told to wait: what two people have approved takes a moment, and half of it would help nobody."""
    told = False

    def tell(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's arguments
        nonlocal told
        if not told:
            told = True
            click.echo(
                "\nPlease wait: the act was approved and takes a moment; it is brought to its end.", err=True
            )

    before = signal.signal(signal.SIGINT, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def stopping_between_steps(goes_on: str) -> Iterator[None]:
    """Ctrl-C ends the block at its next await and raises Stopped, which names the command that `goes_on` with the rest."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    asked = False

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal asked
        if task is not None and not asked:
            asked = True
            loop.call_soon_threadsafe(task.cancel)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise
        raise Stopped(
            f"What is done stays done, nothing is lost, and {goes_on} goes on with the rest."
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)
