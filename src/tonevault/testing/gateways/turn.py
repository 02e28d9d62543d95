"""One request in a double's hands: its bytes, and the behaviour that strikes it. A wire format answers it with a `Reply`."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final, Protocol

from tonevault.cde.gateway_codes import Code
from tonevault.testing.gateways.behaviour import PLAIN, Behaviour, Step
from tonevault.testing.gateways.ledger import Ledger
from tonevault.testing.gateways.weather import CALM, Weather

MAX_SEEN: Final = 10_000
"""Requests remembered for a test to look at; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Header names are in lower case. The body may hold a card: it is never kept, shown or logged."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came in, for a test to count."""

    step: Step
    method: str
    path: str
    reference: str


class NoAnswerError(Exception):
    """The request was lost on the way, or its look-up stays silent: the connection ends without an answer."""


class Book:
    """Which behaviour strikes which request: scripts first, then standing orders, then cards and amounts; and the weather."""

    def __init__(self, weather: Weather = CALM, pace: float = 1.0) -> None:
        """`pace` scales every delay and lag that a card or amount asks for; scripts are taken as they are."""
        self.weather = weather
        self.seen: deque[Seen] = deque(maxlen=MAX_SEEN)
        self._pace = pace
        self._scripts: defaultdict[Step, deque[Behaviour]] = defaultdict(deque)
        self._standing: dict[Step, Behaviour] = {}
        self._trials: defaultdict[tuple[Step, str], int] = defaultdict(int)
        self._lock = Lock()

    def script(self, step: Step, *behaviours: Behaviour) -> None:
        """The next requests of this step behave so, one each."""
        with self._lock:
            self._scripts[step].extend(behaviours)

    def always(self, step: Step, behaviour: Behaviour | None) -> None:
        """Every request of this step that is not scripted behaves so; None: as usual again."""
        with self._lock:
            if behaviour is None:
                self._standing.pop(step, None)
            else:
                self._standing[step] = behaviour

    def strike(self, step: Step, request: Request, reference: str, usual: Behaviour) -> Behaviour:
        """What happens to this request."""
        with self._lock:
            self.seen.append(Seen(step, request.method, request.path, reference))
            trial = self._trials[step, reference]
            self._trials[step, reference] += 1
            if self._scripts[step]:
                return self._scripts[step].popleft()
            if step in self._standing:
                return self._standing[step]
        if usual is not PLAIN:
            usual = replace(
                usual,
                delay_s=usual.delay_s * self._pace,
                look_up_lag_s=usual.look_up_lag_s * self._pace,
                silent_look_up_s=usual.silent_look_up_s * self._pace,
            )
        elif step in (Step.AUTHORISE, Step.VERIFY) and self.weather.declined(reference):
            usual = Behaviour(decline=Code.DO_NOT_HONOUR)
        return self.weather.befall(usual, step, reference, trial)


@dataclass(slots=True)
class Turn:
    """A request, the book that decides over it, and how its answer leaves."""

    request: Request
    book: Book
    ledger: Ledger
    now: Callable[[], float] = time.time
    behaviour: Behaviour = PLAIN

    def meet(self, step: Step, reference: str, usual: Behaviour = PLAIN) -> Behaviour:
        """Let fate strike: to be called once, before anything is done. Raises NoAnswerError where the request never arrives."""
        self.behaviour = self.book.strike(step, self.request, reference, usual)
        if self.behaviour.arrives_after_s:
            time.sleep(self.behaviour.arrives_after_s)
        if not self.behaviour.arrives:
            raise NoAnswerError
        return self.behaviour


class Wire(Protocol):
    """A wire format: answers requests from the ledger. One file each, made anew for each double."""

    @property
    def name(self) -> str:
        """What `WIRES` and the command line call it."""

    def answer(self, turn: Turn) -> Reply:
        """Do what the request asks and answer it. Raises NoAnswerError where no answer comes. Called from many threads."""
