"""Several accounts of one row of presses become that row. It refuses to drop a press that any carrier told of on its own.

Each carrier tells a subsequence of the presses, in order. The row sought is the shortest of which every account is a subsequence, where
two tellings are one press only if key and time allow it. If any one carrier missed nothing, that row is the true one: it cannot be shorter
than the complete account, and the true pairing shows that it need not be longer.
"""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.capture.telling import LATE_S, Press, Telling
from tonevault.cde.media import Carrier

CARRIERS: Final = tuple(Carrier)
MAX_STATES: Final = 400
"""Accounts that agree visit one state a press; the worst of 1,500 random plays with lossy carriers visited 75. Only a sender of keys that
contradict each other gets here; its presses are then taken as they came."""

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

    def copy(self) -> "Lag":
        """The same, to learn on from."""
        return Lag(dict(self.seconds))

    def learn(self, press: Press) -> None:
        """A press that several told of shows how late each of them is; of a key that was held, an INFO shows how long instead."""
        if len(press.tellings) > 1:
            for each in press.tellings:
                late = each.onset - press.onset
                if late <= LATE_S[each.carrier]:
                    self.seconds[each.carrier] = late

    def corrected(self, press: Press) -> float:
        """When the press began, as far as the habits of its carriers tell."""
        return min(each.onset - self.seconds[each.carrier] for each in press.tellings)


def merge(accounts: Accounts, lag: Lag) -> list[Press]:
    """The presses in order. Learns `lag` on the way."""
    told = [account for account in accounts if account]
    if len(told) == 1:
        # Who tells alone tells each press once and in order: there is nothing to pair, and no lag to learn.
        return [Press((each,)) for each in told[0]]
    search = _Search(accounts)
    try:
        search.cost(search.start)
    except _TangledError:
        search.costs.clear()
    place, row = search.start, []
    while groups := search.groups(place):
        presses = {group: search.press(place, group) for group in search.best(place, groups)}
        group = min(presses, key=lambda each: lag.corrected(presses[each]))
        lag.learn(presses[group])
        row.append(presses[group])
        place = _advance(place, group)
    return row


class _Search:
    """The shortest row, by dynamic programming over how much of each account is used up."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts
        self.start: _Place = (0,) * len(accounts)
        self.costs: dict[_Place, int] = {}

    def press(self, place: _Place, group: _Group) -> Press:
        """The press that the heads of the accounts in `group` tell of."""
        return Press(tuple(self.accounts[each][place[each]] for each in group))

    def groups(self, place: _Place) -> list[_Group]:
        """What the next press may be: for each key at a head, every head of it that can be the press which must come first.

        To use up more of the accounts never makes the rest longer, so no smaller group needs to be tried; and no press is next that
        certainly began after another head's.
        """
        heads = {
            each: account[place[each]]
            for each, account in enumerate(self.accounts)
            if place[each] < len(account)
        }
        waiting = sorted(heads, key=lambda each: heads[each].latest)
        groups: list[_Group] = []
        taken: list[Telling] = []
        for each in waiting:
            head = heads[each]
            if any(head.key.matches(other.key) for other in taken):
                continue
            taken.append(head)
            # Sorted by their latest moment, all that can have begun by this one's have that moment in common.
            same = [o for o in waiting if heads[o].earliest <= head.latest and heads[o].key.matches(head.key)]
            if max(heads[o].earliest for o in same) <= heads[waiting[0]].latest:
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
