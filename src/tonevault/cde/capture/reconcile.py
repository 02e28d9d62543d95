"""Several accounts of one row of presses become that row. It refuses to drop a press that any carrier told of on its own.

Each carrier tells a subsequence of the presses, in order. The row sought is the shortest of which every account is a subsequence, where
two tellings are one press only if key and time allow it. If any one carrier missed nothing, that row is the true one: it cannot be shorter
than the complete account, and the true pairing shows that it need not be longer.
"""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.capture.telling import Press, Telling
from tonevault.cde.media import Carrier

CARRIERS: Final = tuple(Carrier)
MAX_STATES: Final = 1_500
"""Accounts that agree visit one state a press. Only a sender of contradictory keys gets here; its presses are then taken as they came."""

Accounts = tuple[tuple[Telling, ...], ...]
"""One account for each of CARRIERS, in that order."""
_Place = tuple[int, ...]
_Group = tuple[int, ...]


class _TangledError(Exception):
    """The accounts contradict each other too much to be searched."""


@dataclass(slots=True)
class Lag:
    """How late each carrier has lately been behind the first to tell: it orders presses that only one carrier told of."""

    seconds: dict[Carrier, float]

    @classmethod
    def unknown(cls) -> "Lag":
        """Nothing learned yet."""
        return cls(dict.fromkeys(CARRIERS, 0.0))

    def corrected(self, telling: Telling) -> float:
        """When the press began, as far as its carrier's habit tells."""
        return telling.onset - self.seconds[telling.carrier]


def merge(accounts: Accounts, lag: Lag) -> list[tuple[Press, _Group]]:
    """The presses in order, each with the indices into CARRIERS of those who told of it. Learns `lag` on the way."""
    search = _Search(accounts)
    try:
        search.cost(search.start)
    except _TangledError:
        search.costs.clear()
    place, row = search.start, []
    while groups := search.groups(place):
        best = search.best(place, groups)
        group = min(best, key=lambda each: min(lag.corrected(t) for t in search.heads(place, each)))
        told = search.heads(place, group)
        onset = min(each.onset for each in told)
        if len(told) > 1:
            for each in told:
                lag.seconds[each.carrier] = each.onset - onset
        row.append((Press(told[0].key, onset, frozenset(each.carrier for each in told)), group))
        place = _advance(place, group)
    return row


class _Search:
    """The shortest row, by dynamic programming over how much of each account is used up."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.start: _Place = (0,) * len(accounts)
        self.costs: dict[_Place, int] = {}

    def heads(self, place: _Place, group: _Group) -> list[Telling]:
        """The next tellings of the accounts in `group`."""
        return [self.accounts[each][place[each]] for each in group]

    def groups(self, place: _Place) -> list[_Group]:
        """What the next press may be: for each key at a head, all heads that can tell of it together with the earliest.

        To use up more of the accounts never makes the rest longer, so no smaller group needs to be tried.
        """
        waiting = [each for each in range(len(place)) if place[each] < len(self.accounts[each])]
        waiting.sort(key=lambda each: self.accounts[each][place[each]].onset)
        groups: list[_Group] = []
        first_of_key: list[Telling] = []
        for each in waiting:
            head = self.accounts[each][place[each]]
            if any(head.key.matches(other.key) for other in first_of_key):
                continue
            first_of_key.append(head)
            same = [o for o in waiting if self.accounts[o][place[o]].may_be_the_press_of(head)]
            groups.append(tuple(same))
        return groups

    def best(self, place: _Place, groups: list[_Group]) -> list[_Group]:
        """Those of the groups that lead to a shortest row; all of them when the search was given up."""
        costs = [self.costs.get(_advance(place, group)) for group in groups]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(groups):
            return groups
        return [group for group, cost in zip(groups, costs, strict=True) if cost == min(known)]

    def cost(self, place: _Place) -> int:
        """How many presses are needed from here."""
        known = self.costs.get(place)
        if known is not None:
            return known
        if len(self.costs) >= MAX_STATES:
            raise _TangledError
        groups = self.groups(place)
        found = 1 + min(self.cost(_advance(place, group)) for group in groups) if groups else 0
        self.costs[place] = found
        return found


def _advance(place: _Place, group: _Group) -> _Place:
    return tuple(at + (each in group) for each, at in enumerate(place))
