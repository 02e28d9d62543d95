"""Many callers' works in one durable commit: a work that fails hurts no other, and nobody is answered before the commit."""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RootTransaction
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tonevault.plumbing.transaction import Endings, Transaction

GROUP_LIMIT: Final = 256
"""Works in one commit. At 128 callers all fit; a larger group would make the first of it wait for the last."""
QUEUE_LIMIT: Final = 20_000
"""Works that wait. Beyond it, about two seconds of full load, a caller is refused at once: more would only time out."""
GROUP_TRIES: Final = 3
"""A group that conflicts with another node's is run again whole so often, then each work by itself."""
MAX_TRIES: Final = 8
"""A work by itself that conflicts is run again this often, after a growing random pause."""
CONFLICTS: Final = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE: serialization failure, deadlock, lock not available. Nothing was committed, and trying again is the remedy."""

Run = Callable[[Connection, Sequence[Any]], Sequence[Any]]
"""Does the work of each item, and answers as many results."""


class _AgainError(Exception):
    """Nothing was committed and the same may be tried again; `__cause__` is the reason."""


class _StepFailedError(Exception):
    """One of several works failed, in a run that kept no savepoints."""


@dataclass(slots=True, eq=False)
class Submission:
    """One caller's work. Those of the same `run` that may go `together` are given to it as one sequence of items.

    `result` or `error` is what came of it in the last try, told to the caller once that is durable.
    """

    run: Run
    item: Any
    together: bool
    future: "asyncio.Future[Any] | Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None
    result: Any = None
    error: BaseException | None = None


class GroupCommit:
    """Runs groups on connections of one database. Plain blocking code: the engines decide in which thread or greenlet."""

    def __init__(self, connect: Callable[[], Connection], pause: Callable[[float], None]) -> None:
        """`connect` opens a connection for writing; `pause` waits so many seconds."""
        self._connect = connect
        self._pause = pause
        self.endings: Endings = {}

    def commit(self, writer: str, group: Sequence[Submission]) -> None:
        """Carry out every work of the group and answer its caller. Works whose caller has gone before are left out."""
        waiting = deque(each for each in group if not each.future.cancelled())
        try:
            if len(waiting) > 1 and self._commit_together(writer, waiting):
                return
            while waiting:
                self._commit_alone(writer, waiting[0])
                waiting.popleft()
        except BaseException as error:  # noqa: BLE001 - whatever it is, no caller may wait for ever
            # Those before have their answer: theirs is committed, and must not be called an error on the way to them.
            _refuse(waiting, error)

    def _commit_together(self, writer: str, group: Sequence[Submission]) -> bool:
        """Whether every caller was answered; if not, nothing of the group was committed."""
        guarded = False
        conflicts = 0
        while conflicts < GROUP_TRIES:
            try:
                self._try(writer, group, guarded=guarded)
            except _StepFailedError:
                guarded = True
            except _AgainError:
                conflicts += 1
                self._back_off(conflicts)
            except Exception as error:  # noqa: BLE001 - the commit itself failed: everybody is told
                _refuse(group, error)
                return True
            else:
                _answer(group)
                return True
        return False

    def _commit_alone(self, writer: str, submission: Submission) -> None:
        for trial in range(1, MAX_TRIES + 1):
            try:
                self._try(writer, [submission], guarded=False)
            except _AgainError as again:
                if trial == MAX_TRIES:
                    _refuse([submission], again.__cause__ or again)
                    return
                self._back_off(trial)
            except Exception as error:  # noqa: BLE001 - it belongs to the caller
                _refuse([submission], error)
                return
            else:
                _answer([submission])
                return

    def _back_off(self, trial: int) -> None:
        self._pause(random.uniform(0, 0.005 * 2**trial))  # noqa: S311 - jitter, no secret

    def _try(self, writer: str, group: Sequence[Submission], *, guarded: bool) -> None:
        """One transaction. Without savepoints at first: they cost two statements a work, and works seldom fail."""
        with self._connect() as connection:
            root = connection.begin()
            transaction = Transaction(writer, self.endings)
            transaction.begin(connection)
            try:
                for step in _steps(group):
                    if guarded:
                        _run_guarded(connection, transaction, step)
                    else:
                        _run(connection, step, len(group))
                transaction.write_deferred(connection)
            except DBAPIError as error:
                _roll_back(root)
                if may_run_again(error):
                    raise _AgainError from error
                raise
            except BaseException:
                _roll_back(root)
                raise
            finally:
                transaction.end(connection)
            _commit(connection, root)
        transaction.committed()


def _commit(connection: Connection, transaction: RootTransaction) -> None:
    try:
        transaction.commit()
    except BaseException as error:
        if isinstance(error, DBAPIError) and _sqlstate(error) in CONFLICTS:
            raise _AgainError from error
        # Whether it came through is open, and only the callers can look. The connection may be within the transaction still:
        # nobody else may get it, for whoever commits next would commit this.
        connection.invalidate()
        raise


def _roll_back(transaction: RootTransaction) -> None:
    # On a connection that was lost there is nothing to roll back, and the first error is the one to tell.
    with suppress(SQLAlchemyError):
        transaction.rollback()


def may_run_again(error: DBAPIError) -> bool:
    """Whether a transaction that was not yet committed may be run again: it conflicted, or its connection was lost."""
    return _sqlstate(error) in CONFLICTS or error.connection_invalidated


def _sqlstate(error: DBAPIError) -> str | None:
    origin: Any = error.orig
    state = getattr(origin, "sqlstate", None)
    return state if isinstance(state, str) else None


def _steps(group: Sequence[Submission]) -> Iterator[list[Submission]]:
    """The works in their order, those that go together as one step at the place of the first."""
    together: dict[Run, list[Submission]] = {}
    steps: list[list[Submission]] = []
    for each in group:
        if each.together and each.run in together:
            together[each.run].append(each)
            continue
        step = [each]
        steps.append(step)
        if each.together:
            together[each.run] = step
    return iter(steps)


def _run(connection: Connection, step: list[Submission], of_group: int) -> None:
    try:
        _do(connection, step)
    except DBAPIError as error:
        if of_group == 1 or may_run_again(error):
            raise
        raise _StepFailedError from error
    except Exception as error:
        if of_group == 1:
            raise
        raise _StepFailedError from error


def _do(connection: Connection, step: list[Submission]) -> None:
    results = step[0].run(connection, [each.item for each in step])
    for each, result in zip(step, results, strict=True):
        each.result, each.error = result, None


def _run_guarded(connection: Connection, transaction: Transaction, step: list[Submission]) -> None:
    """A step within a savepoint; one of several items that fails is run again item by item."""
    mark = transaction.mark()
    try:
        with connection.begin_nested():
            _do(connection, step)
    except Exception as error:
        if isinstance(error, DBAPIError) and may_run_again(error):
            raise
        transaction.forget(mark)
        if len(step) == 1:
            step[0].error = error
            return
        for each in step:
            _run_guarded(connection, transaction, [each])


def _refuse(group: Sequence[Submission], error: BaseException) -> None:
    """Tell every caller of one error."""
    for each in group:
        each.error = error
    _answer(group)


def _answer(group: Sequence[Submission]) -> None:
    """Wake the callers: those on one event loop by one call."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Submission]] = {}
    for each in group:
        by_loop.setdefault(each.loop, []).append(each)
    for loop, those in by_loop.items():
        if loop is None:
            _settle_all(those)
            continue
        # A loop that was closed has no caller left.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, those)


def _settle_all(group: Sequence[Submission]) -> None:
    for each in group:
        future = each.future
        # A caller that goes away before the answer, or between this question and it, is nobody's fault.
        if future.done():
            continue
        try:
            if each.error is None:
                future.set_result(each.result)
            else:
                future.set_exception(each.error)
        except (InvalidStateError, asyncio.InvalidStateError):
            continue
