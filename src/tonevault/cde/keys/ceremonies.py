"""Key ceremonies: who the custodians are, what one proposes, and what another approves. Every step is in the audit log, with its name.

What it proves is that two passphrases were given; that two people gave them is the deployment's to see to (docs/keys.md).
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.keys import store
from tonevault.cde.keys.errors import CeremonyRefusedError
from tonevault.cde.keys.first_look import name_was_given, require_possible, require_two_stay
from tonevault.cde.keys.model import (
    APPROVAL_WINDOW,
    CEREMONY,
    LOCKED_FOR,
    MAX_FAILURES,
    MAX_PASSPHRASE,
    MIN_PASSPHRASE,
    PASSPHRASE_RULE,
    Ceremony,
    CeremonyState,
    Custodian,
    KeyAct,
    Mandate,
    require_name,
    require_subject,
)
from tonevault.cde.vault.key_store import EVERY_ACCOUNT
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import Entropy, make_id
from tonevault.plumbing.sql import Database

NOBODY: Final = "nobody"
"""Stands in the audit log for a name that no custodian has: what was typed may be anything."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the terminal: the name, and the passphrase that shows who it is."""

    name: str
    passphrase: str = field(repr=False)


class Ceremonies:
    """Custodians and their ceremonies, on the secure zone's database."""

    def __init__(
        self, database: Database, clock: Clock, entropy: Entropy, hasher: PasswordHasher | None = None
    ) -> None:
        """`hasher` is Argon2id with the RFC 9106 low-memory parameters unless another is given."""
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._hasher = hasher or PasswordHasher()

    async def custodians(self) -> list[Custodian]:
        """Those who may hold ceremonies."""
        return await self._database.read(store.custodians)

    async def waiting(self) -> list[Ceremony]:
        """Ceremonies that wait for a second custodian."""
        return await self._database.read(lambda c: store.open_ceremonies(c, self._clock.utc()))

    async def found(self, first: Person, second: Person) -> None:
        """Enrol the first two custodians of a deployment. Raises CeremonyRefusedError when there are any."""
        if first.name == second.name:
            raise CeremonyRefusedError("--custodian: two people are needed; give two names")
        people = [(person.name, await self._credential(person)) for person in (first, second)]
        now = self._clock.utc()

        def enrol_both(connection: Connection) -> None:
            if store.custodians(connection):
                raise CeremonyRefusedError(
                    "there are custodians already; they enrol others: `tonevault keys custodian add`"
                )
            for name, credential in people:
                _enrol(connection, name, credential)
                record(connection, Action.CUSTODIAN_ENROLLED, at=now, subject=name, actor=name)

        def _enrol(connection: Connection, name: str, credential: str) -> None:
            if not store.enrol(connection, name, credential, now):
                raise CeremonyRefusedError("--custodian: a name of somebody who left is not given again")

        await self._database.transact(enrol_both)

    async def propose(self, act: KeyAct, subject: str, person: Person) -> Ceremony:
        """Write down what `person` wants done. Raises CeremonyRefusedError."""
        require_subject(act, subject)
        await self.recognise(person)
        now = self._clock.utc()
        ceremony = Ceremony(
            ceremony_id=make_id(CEREMONY, int(now.timestamp() * 1000), self._entropy),
            act=act,
            subject=subject,
            state=CeremonyState.PROPOSED,
            proposer=person.name,
            approver=None,
            proposed_at=now,
            expires_at=now + APPROVAL_WINDOW,
        )

        def write(connection: Connection) -> None:
            store.insert_ceremony(connection, ceremony)
            self._record(connection, Action.CEREMONY_PROPOSED, ceremony, person.name)

        await self._database.transact(write)
        return ceremony

    async def find(self, ceremony_id: str) -> Ceremony:
        """A ceremony that is still open. Raises CeremonyRefusedError."""
        found = await self._database.read(lambda c: store.find_ceremony(c, ceremony_id))
        if found is None:
            raise CeremonyRefusedError(
                "there is no such ceremony; `tonevault keys status` lists those that wait"
            )
        found.require_open(self._clock.utc())
        return found

    async def approve(self, ceremony_id: str, person: Person) -> Mandate:
        """The second custodian's word; again by the same one, where the first carrying out was cut short. Raises CeremonyRefusedError."""
        (await self.find(ceremony_id)).require_second(person.name)
        await self.recognise(person)
        now = self._clock.utc()

        def write(connection: Connection) -> Ceremony:
            ceremony = store.find_ceremony(connection, ceremony_id, hold=True)
            if ceremony is None:
                raise CeremonyRefusedError("there is no such ceremony")
            ceremony.require_open(now)
            ceremony.require_second(person.name)
            store.set_ceremony(connection, ceremony_id, CeremonyState.APPROVED, person.name, now)
            approved = replace(ceremony, state=CeremonyState.APPROVED, approver=person.name)
            self._record(connection, Action.CEREMONY_APPROVED, approved, person.name)
            return approved

        return Mandate(await self._database.transact(write))

    def carried_out(self, connection: Connection, mandate: Mandate) -> None:
        """End a ceremony, in the transaction of its act. Raises CeremonyRefusedError when it has been carried out before."""
        ceremony = store.find_ceremony(connection, mandate.ceremony.ceremony_id, hold=True)
        if ceremony is None or ceremony.approver is None or ceremony.state is not CeremonyState.APPROVED:
            raise CeremonyRefusedError(
                f"{mandate.ceremony.ceremony_id}: is not approved, or was carried out before"
            )
        now = self._clock.utc()
        store.set_ceremony(
            connection, ceremony.ceremony_id, CeremonyState.CARRIED_OUT, ceremony.approver, now
        )
        self._record(connection, Action.CEREMONY_CARRIED_OUT, ceremony, ceremony.approver)

    async def enrol(self, mandate: Mandate, person: Person) -> None:
        """Add a custodian, whose passphrase is the newcomer's own."""
        mandate.require(KeyAct.ENROL, person.name)
        credential, now = await self._credential(person), self._clock.utc()

        def write(connection: Connection) -> None:
            if not store.enrol(connection, person.name, credential, now):
                raise name_was_given()
            record(
                connection,
                Action.CUSTODIAN_ENROLLED,
                at=now,
                subject=person.name,
                actor=mandate.ceremony.proposer,
            )
            self.carried_out(connection, mandate)

        await self._database.transact(write)

    async def dismiss(self, mandate: Mandate, name: str) -> None:
        """A custodian leaves; at least two stay. Raises CeremonyRefusedError."""
        mandate.require(KeyAct.DISMISS, name)
        now = self._clock.utc()

        def write(connection: Connection) -> None:
            require_two_stay(connection, name)
            store.leave(connection, name, now)
            record(connection, Action.CUSTODIAN_LEFT, at=now, subject=name, actor=mandate.ceremony.proposer)
            self.carried_out(connection, mandate)

        await self._database.transact(write)

    async def look_ahead(self, act: KeyAct, subject: str) -> None:
        """Before anybody is asked for a passphrase. Raises KeyActRefusedError when the act could not be done anyway."""
        await self._database.read(lambda c: require_possible(c, act, subject))

    async def expect(self, option: str, name: str) -> None:
        """The same for a person, whom `option` of the command names. Raises CeremonyRefusedError; a name that nobody has is recorded."""
        found = await self._database.read(lambda c: store.find_custodian(c, name))
        if found is None:
            await self._refused(None)
            raise CeremonyRefusedError(
                f"{option}: is no custodian's name; `tonevault keys status` lists them"
            )
        found.require_unlocked(self._clock.utc())

    async def recognise(self, person: Person) -> None:
        """Raises CeremonyRefusedError unless the passphrase is this custodian's; every failure is counted and recorded."""
        found = await self._database.read(lambda c: store.find_custodian(c, person.name))
        now = self._clock.utc()
        if found is not None:
            found.require_unlocked(now)
        if await asyncio.to_thread(self._matches, found, person.passphrase):
            await self._database.transact(lambda c: store.forget_failures(c, person.name))
            return
        await self._refused(found)
        raise CeremonyRefusedError(
            "the passphrase is not the one of this name; nothing was done. Give the command again; "
            f"{MAX_FAILURES} wrong passphrases in a row lock a name for {LOCKED_FOR.seconds // 60} minutes"
        )

    async def _refused(self, custodian: Custodian | None) -> None:
        now = self._clock.utc()

        def count(connection: Connection) -> None:
            if custodian is not None:
                store.count_failure(connection, custodian.name, now)
            who = NOBODY if custodian is None else custodian.name
            record(connection, Action.CEREMONY_REFUSED, at=now, subject=EVERY_ACCOUNT, actor=who)

        await self._database.transact(count)

    def _matches(self, custodian: Custodian | None, passphrase: str) -> bool:
        """The same work whether there is such a custodian or not."""
        try:
            if custodian is None:
                self._hasher.hash(passphrase[:MAX_PASSPHRASE])
                return False
            return self._hasher.verify(custodian.credential, passphrase[:MAX_PASSPHRASE])
        except (VerificationError, InvalidHashError):
            return False

    async def _credential(self, person: Person) -> str:
        require_name(person.name)
        if not MIN_PASSPHRASE <= len(person.passphrase) <= MAX_PASSPHRASE:
            raise CeremonyRefusedError(PASSPHRASE_RULE)
        return await asyncio.to_thread(self._hasher.hash, person.passphrase)

    def _record(self, connection: Connection, action: Action, ceremony: Ceremony, actor: str) -> None:
        detail = {
            "act": ceremony.act.value,
            "about": ceremony.subject,
            "proposer": ceremony.proposer,
            "approver": ceremony.approver or "",
        }
        record(
            connection, action, at=self._clock.utc(), subject=ceremony.ceremony_id, actor=actor, detail=detail
        )
