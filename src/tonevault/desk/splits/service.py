"""Splits at work: every part is held first, and taken when all are held. Each step follows from what the charges have come to."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.charges import Initiator, Taking
from tonevault.boundary.operations import OperationKind, OperationState
from tonevault.desk.events.model import EventType, Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.payments import operation_store
from tonevault.desk.payments import store as charge_store
from tonevault.desk.payments.charges import ChargeAsked, ChargeService
from tonevault.desk.payments.model import Charge
from tonevault.desk.payments.operations import Asked, OperationService
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.model import SYSTEM_ACTOR
from tonevault.desk.refusal import Refusal, not_found
from tonevault.desk.side_by_side import side_by_side
from tonevault.desk.splits import store
from tonevault.desk.splits.model import NO_HOLD, Act, Split, SplitPart, SplitState, Step, next_step
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import CHARGE, AccountId, ChargeId, Entropy, OperationId, TokenId, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

LEASE: Final = timedelta(seconds=60)
"""Longer than a step takes: whoever took it is dead by then."""
ASK_AGAIN: Final = timedelta(seconds=5)
STEPS_AT_ONCE: Final = 4
"""Hold, take, and once more for each way back: what a split needs when nothing falls silent."""
BATCH: Final = 20
KINDS: Final = {
    Act.CAPTURE: OperationKind.CAPTURE,
    Act.VOID: OperationKind.VOID,
    Act.REFUND: OperationKind.REFUND,
}

_log = get_logger("desk.splits")


@dataclass(frozen=True, slots=True)
class Share:
    """What one card is to pay, in minor units."""

    token: TokenId
    amount: int


@dataclass(frozen=True, slots=True)
class _Held:
    """A split that is this node's alone until `lease`: whatever is written of it names that lease."""

    split: Split
    lease: datetime


class SplitService:
    """The splits of every account."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        *,
        events: EventService,
        charges: ChargeService,
        operations: OperationService,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._events = events
        self._charges = charges
        self._operations = operations
        self._audit = audit

    async def create(
        self,
        account_id: AccountId,
        split_id: str,
        shares: tuple[Share, ...],
        currency: str,
        *,
        description: str,
        actor: str,
    ) -> Split:
        """Charge every share, or none. Answers as far as it came; the sweep goes on with what is silent.

        Raises Refusal where a token is unknown or cannot be charged; then nothing was begun.
        """
        held: _Held | None
        if await self._find(account_id, split_id) is None:
            await self._require_chargeable(account_id, shares)
            held = await self._intend(
                account_id, split_id, shares, currency, description=description, actor=actor
            )
        else:
            held = await self._claim(account_id, split_id)
        if held is None:
            return await self.get(account_id, split_id)
        return await self._advance(account_id, held, STEPS_AT_ONCE)

    async def _require_chargeable(self, account_id: AccountId, shares: tuple[Share, ...]) -> None:
        for number, share in enumerate(shares):
            try:
                await self._charges.require_chargeable(account_id, share.token)
            except Refusal as refused:
                raise refused.below(f"parts.{number}") from None

    async def get(self, account_id: AccountId, split_id: str) -> Split:
        """One split."""
        found = await self._find(account_id, split_id)
        if found is None:
            raise not_found("split")
        return found

    async def page(self, account_id: AccountId, request: PageRequest) -> Page[Split]:
        """Splits, newest first."""
        return await self._database.read(lambda c: store.page(c, account_id, request))

    async def sweep(self) -> None:
        """Take every step that is due."""
        due = await self._database.read(lambda c: store.due(c, self._clock.utc(), BATCH))
        await side_by_side("step_splits", [partial(self._step, *each) for each in due])

    async def _step(self, account_id: AccountId, split_id: str) -> None:
        held = await self._claim(account_id, split_id)
        if held is not None:
            await self._advance(account_id, held, 1)

    async def _claim(self, account_id: AccountId, split_id: str) -> _Held | None:
        now = self._clock.utc()
        lease = now + LEASE
        split = await self._database.transact(lambda c: store.claim(c, account_id, split_id, now, lease))
        return None if split is None else _Held(split, lease)

    async def _advance(self, account_id: AccountId, held: _Held, steps: int) -> Split:
        """Take so many steps at most. Two that took one at once would each charge the same part: only who holds the lease does."""
        for step in range(steps):
            split = await self._look(account_id, held.split)
            wanted = next_step(split, await self._failed_acts(account_id, split))
            planned = await self._planned(account_id, replace(held, split=split), wanted)
            if planned is None:
                break
            split = await self._carry_out(account_id, planned.split, wanted)
            goes_on = wanted.ends is None and step + 1 < steps
            after = await self._save(account_id, replace(planned, split=split), wanted, goes_on=goes_on)
            if after is None:
                break
            if not goes_on:
                return after.split
            held = after
        return await self.get(account_id, held.split.id)

    async def _planned(self, account_id: AccountId, held: _Held, step: Step) -> _Held | None:
        """The lease anew, and the ids of what the step will charge, on file before anything is sent. None: another node has it."""
        split, lease = held.split, self._clock.utc() + LEASE
        parts = list(split.parts)
        for number, act in step.acts:
            if act is Act.CHARGE_AT_ONCE:
                # A new charge: the one that asked for a hold has failed for good.
                parts[number] = replace(
                    parts[number],
                    charge_id=self._charge_id(),
                    capture=Taking.AUTOMATIC,
                    state=None,
                    code=None,
                )
        wanted = replace(split, parts=tuple(parts))
        kept = await self._database.transact(
            lambda c: store.save(c, account_id, wanted, lease, lease=held.lease)
        )
        return _Held(wanted, lease) if kept else None

    async def _carry_out(self, account_id: AccountId, split: Split, step: Step) -> Split:
        await asyncio.gather(*(self._act(account_id, split, number, act) for number, act in step.acts))
        return await self._look(account_id, split)

    async def _act(self, account_id: AccountId, split: Split, number: int, act: Act) -> None:
        part = split.parts[number]
        try:
            if act in (Act.CHARGE, Act.CHARGE_AT_ONCE):
                await self._charge(account_id, split, part)
            else:
                await self._follow(account_id, part, act)
        except Refusal as refused:
            _log.warning("split_not_stepped", split=split.id, act=act.value, code=refused.code)

    async def _follow(self, account_id: AccountId, part: SplitPart, act: Act) -> None:
        asked = Asked(KINDS[act], reason="" if act is Act.CAPTURE else "split failed")
        letters = _letters(part)
        try:
            await self._operations.create(
                account_id, part.charge_id, asked, letters=letters, actor=SYSTEM_ACTOR
            )
        except Refusal as refused:
            # What the gateway never does is on file as failed; any other refusal may be another one's being under way.
            if refused.code == NO_HOLD:
                await self._operations.refuse(
                    account_id, part.charge_id, asked, letters=letters, code=refused.code
                )
            raise

    async def _charge(self, account_id: AccountId, split: Split, part: SplitPart) -> None:
        asked = ChargeAsked(split.description, part.capture, Initiator.CUSTOMER, split_id=split.id)
        amount = Money(part.amount, split.currency)
        try:
            await self._charges.create(
                account_id, part.charge_id, part.token, amount, asked=asked, actor=SYSTEM_ACTOR
            )
        except Refusal as refused:
            # A token that cannot be charged made no charge: the part has failed, and is on file as such.
            if refused.status < 500:
                await self._charges.refuse(
                    account_id, part.charge_id, part.token, amount, asked=asked, code=refused.code
                )
            raise

    async def _look(self, account_id: AccountId, split: Split) -> Split:
        def read(connection: Connection) -> list[Charge | None]:
            found = [charge_store.find_charge(connection, account_id, p.charge_id) for p in split.parts]
            return [None if each is None else each[0] for each in found]

        return split.with_charges(await self._database.read(read), self._clock.utc())

    async def _failed_acts(self, account_id: AccountId, split: Split) -> frozenset[tuple[int, Act]]:
        """Captures, voids and refunds of the parts that came to nothing: they are not tried twice."""

        def read(connection: Connection) -> frozenset[tuple[int, Act]]:
            failed = set()
            for number, part in enumerate(split.parts):
                for act, kind in KINDS.items():
                    operation_id = OperationId(f"{kind.prefix}_{_letters(part)}")
                    wish = operation_store.find(connection, account_id, operation_id)
                    lost = (OperationState.DECLINED, OperationState.FAILED)
                    if wish is not None and wish.operation.state in lost:
                        failed.add((number, act))
            return frozenset(failed)

        return await self._database.read(read)

    async def _save(self, account_id: AccountId, held: _Held, step: Step, *, goes_on: bool) -> _Held | None:
        """What the step came to, with the lease anew where it goes on. None where the lease had lapsed and another node has it."""
        now, split = self._clock.utc(), held.split
        if step.ends is not None:
            split = split.ended(step.ends, now)
        due = now + (LEASE if goes_on else ASK_AGAIN)

        def work(connection: Connection) -> tuple[bool, list[Numbered]]:
            due_at = due if split.state is SplitState.PENDING else None
            if not store.save(connection, account_id, split, due_at, lease=held.lease):
                return False, []
            if split.state is SplitState.PENDING:
                return True, []
            kind = EventType(f"split.{split.state}")
            return True, [self._events.append(connection, account_id, kind, split)]

        saved, events = await self._database.transact(work)
        self._events.publish(account_id, events)
        return _Held(split, due) if saved else None

    async def _intend(
        self,
        account_id: AccountId,
        split_id: str,
        shares: tuple[Share, ...],
        currency: str,
        *,
        description: str,
        actor: str,
    ) -> _Held:
        now = self._clock.utc()
        split = Split(
            id=split_id,
            amount=sum(share.amount for share in shares),
            currency=currency,
            description=description,
            state=SplitState.PENDING,
            parts=tuple(
                SplitPart(share.token, share.amount, self._charge_id(), Taking.MANUAL) for share in shares
            ),
            created_at=now,
            updated_at=now,
        )

        def add(connection: Connection) -> list[Numbered]:
            self._audit.append(connection, account_id, actor, "create_split", subject=split_id)
            store.add(connection, account_id, split, now + LEASE)
            return [self._events.append(connection, account_id, EventType.SPLIT_CREATED, split)]

        self._events.publish(account_id, await self._database.transact(add))
        return _Held(split, now + LEASE)

    def _charge_id(self) -> ChargeId:
        return ChargeId(make_id(CHARGE, epoch_ms(self._clock.utc()), self._entropy))

    async def _find(self, account_id: AccountId, split_id: str) -> Split | None:
        return await self._database.read(lambda c: store.find(c, account_id, split_id))


def _letters(part: SplitPart) -> str:
    """Of the ids of what follows a part's charge: one capture, one void, one refund at most."""
    return part.charge_id.partition("_")[2]
