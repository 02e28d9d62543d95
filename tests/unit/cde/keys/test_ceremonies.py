"""Ceremonies take two people, within their time, once; wrong passphrases lock; every step is in the audit log with its name."""

import asyncio

import pytest
from sqlalchemy import select
from tests.custodians import ALICE, BORIS
from tests.key_room import KeyRoom
from tests.unit.cde.keys.conftest import Play

from tonevault.cde.keys.ceremonies import Person
from tonevault.cde.keys.errors import CeremonyRefusedError
from tonevault.cde.keys.model import APPROVAL_WINDOW, LOCKED_FOR, MAX_FAILURES, KeyAct
from tonevault.cde.schema import AUDIT_ENTRY, KEY_CUSTODIAN

CAROL = Person("carol", "the phrase of carol")


async def entries(room: KeyRoom) -> list[tuple[str, str]]:
    wanted = select(AUDIT_ENTRY.c.action, AUDIT_ENTRY.c.actor).order_by(AUDIT_ENTRY.c.at)
    rows = await room.database.read(lambda c: c.execute(wanted).all())
    return [(row.action, row.actor) for row in rows]


def test_one_proposes_another_approves_and_the_log_names_both(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        mandate = await room.mandate(KeyAct.ROTATE)
        await room.database.transact(lambda c: room.ceremonies.carried_out(c, mandate))
        assert set(await entries(room)) >= {
            ("custodian_enrolled", "alice"),
            ("custodian_enrolled", "boris"),
            ("ceremony_proposed", "alice"),
            ("ceremony_approved", "boris"),
            ("ceremony_carried_out", "boris"),
        }

    play(story)


def test_nobody_approves_alone(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.ceremonies.found(ALICE, BORIS)
        proposed = await room.ceremonies.propose(KeyAct.ROTATE, "*", ALICE)
        with pytest.raises(CeremonyRefusedError, match="another custodian approves it"):
            await room.ceremonies.approve(proposed.ceremony_id, ALICE)
        with pytest.raises(CeremonyRefusedError, match="two people are needed"):
            await room.ceremonies.found(ALICE, ALICE)

    play(story)


def test_the_founding_happens_once(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.ceremonies.found(ALICE, BORIS)
        with pytest.raises(CeremonyRefusedError, match="there are custodians already"):
            await room.ceremonies.found(CAROL, Person("david", "the phrase of david"))

    play(story)


def test_a_ceremony_is_carried_out_once_and_within_its_time(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        mandate = await room.mandate(KeyAct.ROTATE)
        again = await room.ceremonies.approve(mandate.ceremony.ceremony_id, BORIS)
        await room.database.transact(lambda c: room.ceremonies.carried_out(c, again))
        with pytest.raises(CeremonyRefusedError, match="carried out before"):
            await room.database.transact(lambda c: room.ceremonies.carried_out(c, mandate))
        with pytest.raises(CeremonyRefusedError, match="has been carried out"):
            await room.ceremonies.approve(mandate.ceremony.ceremony_id, BORIS)
        late = await room.ceremonies.propose(KeyAct.ROTATE, "*", ALICE)
        assert [each.ceremony_id for each in await room.ceremonies.waiting()] == [late.ceremony_id]
        room.clock.advance(APPROVAL_WINDOW.total_seconds())
        with pytest.raises(CeremonyRefusedError, match="its time was over"):
            await room.ceremonies.approve(late.ceremony_id, BORIS)
        assert await room.ceremonies.waiting() == []

    play(story)


def test_a_mandate_is_good_for_what_was_approved_alone(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        mandate = await room.mandate(KeyAct.SHRED, "acme")
        for act, subject in ((KeyAct.SHRED, "other"), (KeyAct.ROTATE, "acme")):
            with pytest.raises(CeremonyRefusedError, match="was approved for shred of acme"):
                mandate.require(act, subject)

    play(story)


def test_wrong_passphrases_lock_a_name_for_half_an_hour(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.ceremonies.found(ALICE, BORIS)
        wrong = Person("alice", "not alice's phrase")
        for _ in range(MAX_FAILURES):
            with pytest.raises(CeremonyRefusedError, match="not the one of this name"):
                await room.ceremonies.propose(KeyAct.ROTATE, "*", wrong)
        with pytest.raises(CeremonyRefusedError, match="alice: locked after 6 wrong"):
            await room.ceremonies.propose(KeyAct.ROTATE, "*", ALICE)
        await room.ceremonies.propose(KeyAct.ROTATE, "*", BORIS)
        room.clock.advance(LOCKED_FOR.total_seconds())
        await room.ceremonies.propose(KeyAct.ROTATE, "*", ALICE)
        assert (await entries(room)).count(("ceremony_refused", "alice")) == MAX_FAILURES

    play(story)


def test_a_stranger_is_refused_in_the_same_words_and_his_name_is_not_written_down(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.ceremonies.found(ALICE, BORIS)
        with pytest.raises(CeremonyRefusedError, match="not the one of this name"):
            await room.ceremonies.propose(KeyAct.ROTATE, "*", Person("4242424242424242", "x" * 20))
        assert ("ceremony_refused", "nobody") in await entries(room)

    play(story)


def test_passphrases_lie_hashed_and_are_not_shown(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.ceremonies.found(ALICE, BORIS)
        rows = await room.database.read(lambda c: c.execute(select(KEY_CUSTODIAN)).all())
        assert all(row.credential.startswith("$argon2id$") for row in rows)
        assert "phrase" not in repr(ALICE)

    play(story)


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (Person("carol", "short"), "12 to 128 characters"),
        (Person("Carol 4242", "the phrase of carol"), "small letters, points and hyphens"),
        (Person("alice", "the phrase of another"), "was given before"),
    ],
)
def test_newcomers_that_are_refused(play: Play, person: Person, said: str) -> None:
    async def story(room: KeyRoom) -> None:
        with pytest.raises(CeremonyRefusedError, match=said) as refusal:
            await room.ceremonies.enrol(await room.mandate(KeyAct.ENROL, person.name), person)
        assert "4242" not in str(refusal.value)

    play(story)


def test_a_custodian_comes_and_another_leaves_and_two_always_stay(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        leaving = await room.mandate(KeyAct.DISMISS, "boris")
        with pytest.raises(CeremonyRefusedError, match="two custodians must stay"):
            await room.ceremonies.dismiss(leaving, "boris")
        await room.ceremonies.enrol(await room.mandate(KeyAct.ENROL, "carol"), CAROL)
        await room.ceremonies.dismiss(leaving, "boris")
        assert [each.name for each in await room.ceremonies.custodians()] == ["alice", "carol"]
        with pytest.raises(CeremonyRefusedError, match="not the one of this name"):
            await room.ceremonies.propose(KeyAct.ROTATE, "*", BORIS)

    play(story)


def test_two_who_approve_at_once_make_one_mandate(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.ceremonies.enrol(await room.mandate(KeyAct.ENROL, "carol"), CAROL)
        proposed = await room.ceremonies.propose(KeyAct.ROTATE, "*", ALICE)
        answers = await asyncio.gather(
            *(room.ceremonies.approve(proposed.ceremony_id, person) for person in (BORIS, CAROL)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, CeremonyRefusedError) for answer in answers) == 1

    play(story)
