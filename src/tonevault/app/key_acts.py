"""Key ceremonies at the terminal: one custodian proposes, another approves at once or within the hour, and the act is carried out."""

import asyncio
import getpass
import json
import os
from collections.abc import Callable
from typing import assert_never

import click

from tonevault.app.key_custody import share_passphrases, share_paths
from tonevault.app.key_progress import ProgressBar
from tonevault.app.key_report import in_words, share_lines, status_lines
from tonevault.app.key_room import KeyRoom, key_room
from tonevault.app.key_status import KeyStatus
from tonevault.app.key_status_document import status_document
from tonevault.app.settings import TonevaultSettings
from tonevault.app.terminal_interrupts import stopping_between_steps, waiting_for_the_act
from tonevault.cde.custodies.file import Holder
from tonevault.cde.custodies.file.recovery import missing_shares, recover_shares
from tonevault.cde.key_custody import CustodyKind, KeyCustodyError
from tonevault.cde.keys.census import take_census
from tonevault.cde.keys.ceremonies import Person
from tonevault.cde.keys.erasure import erase_deleted_keys
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.keys.model import KeyAct, Mandate, require_name
from tonevault.cde.keys.rekeying import Rekeying
from tonevault.cde.vault.key_store import EVERY_ACCOUNT
from tonevault.kernel.ids import AccountId

HOLDERS = {holder.words.replace(" ", "-"): holder for holder in Holder}
"""As `keys recover` names them."""

Ask = Callable[[str, bool], Person]
"""Asks somebody at the terminal for the passphrase of a name; twice where it is a new one."""


async def found(settings: TonevaultSettings, names: tuple[str, ...], existing: str | None, ask: Ask) -> None:
    """`keys init`: enrol two custodians and make the first key, or take the one that a start has made."""
    if len(set(names)) != 2 or len(names) != 2:
        raise KeyActRefusedError("--custodian: name exactly two people: --custodian alice --custodian boris")
    for name in names:
        require_name(name)
    async with key_room(settings) as room:
        rotation = room.rotation()
        there = [each.name for each in await room.ceremonies.custodians()]
        if there and set(names) != set(there):
            raise KeyActRefusedError(
                f"--custodian: {' and '.join(there)} are custodians already; they enrol others: `tonevault keys custodian add`"
            )
        people = [ask(name, True) for name in names] if not there else []
        with waiting_for_the_act():
            if people:
                await room.ceremonies.found(people[0], people[1])
                click.echo(f"{names[0]} and {names[1]} are custodians now.")
            made = await rotation.first(room.clock.utc(), existing)
        if made is None:
            click.echo(
                "There is a key in force already. If it was made before there were custodians, renew it:"
            )
            for command in ("rotate", "rewrap", "retire"):
                both = "" if command == "rewrap" else f" --as {names[0]} --with {names[1]}"
                click.echo(f"  tonevault keys {command}{both}")
            return
        click.echo(f"{made.key_id} ({made.custody.value}) is in force.")
        _tell_shares(room, made.key_id)


async def hold(
    settings: TonevaultSettings, act: KeyAct, subject: str, people: tuple[str, str | None], ask: Ask
) -> None:
    """Propose an act and, where the second custodian is here, approve it and carry it out.

    Everything is asked before anything is written: whoever changes his mind at a question leaves no proposal behind.
    """
    proposer, second = people
    async with key_room(settings) as room:
        await _require_holdable(room, act, subject, people)
        click.echo(f"{proposer} proposes: {in_words(act, subject)}")
        first = await _recognised(room, proposer, ask)
        if second is None:
            ceremony = await room.ceremonies.propose(act, subject, first)
            click.echo(
                f"Proposed. Until {ceremony.expires_at:%H:%M} UTC another custodian approves and carries it out:"
            )
            click.echo(f"  tonevault keys approve {ceremony.ceremony_id} --as NAME")
            return
        other = await _recognised(room, second, ask)
        newcomer = ask(subject, True) if act is KeyAct.ENROL else None
        with waiting_for_the_act():
            ceremony = await room.ceremonies.propose(act, subject, first)
            mandate = await room.ceremonies.approve(ceremony.ceremony_id, other)
            await _carry_out(room, mandate, newcomer)


async def approve(settings: TonevaultSettings, ceremony_id: str, name: str, ask: Ask) -> None:
    """`keys approve`: say what it is about, then carry it out."""
    async with key_room(settings) as room:
        ceremony = await room.ceremonies.find(ceremony_id)
        act, subject = ceremony.act, ceremony.subject
        click.echo(f"{ceremony.proposer} proposes: {in_words(act, subject)}")
        ceremony.require_second(name)
        await room.ceremonies.expect("--as", name)
        other = await _recognised(room, name, ask)
        newcomer = ask(subject, True) if act is KeyAct.ENROL else None
        with waiting_for_the_act():
            await _carry_out(room, await room.ceremonies.approve(ceremony_id, other), newcomer)


async def _require_holdable(room: KeyRoom, act: KeyAct, subject: str, people: tuple[str, str | None]) -> None:
    """Whatever stands in the way is said before two people have typed. Raises KeyActRefusedError."""
    proposer, second = people
    if not await room.ceremonies.custodians():
        raise KeyActRefusedError("there are no custodians yet; `tonevault keys init` enrols the first two")
    if proposer == second:
        raise KeyActRefusedError(
            "--with: must be another custodian than --as; or leave it out, and another approves later"
        )
    await room.ceremonies.look_ahead(act, subject)
    if act is KeyAct.RECOVER:
        _require_shares(room)
        missing_shares(share_paths(room.where), HOLDERS[subject])
    await room.ceremonies.expect("--as", proposer)
    if second is not None:
        await room.ceremonies.expect("--with", second)


async def _recognised(room: KeyRoom, name: str, ask: Ask) -> Person:
    """Asked and looked at one by one, so that it is plain whose passphrase was wrong."""
    person = ask(name, False)
    await room.ceremonies.recognise(person)
    return person


async def rewrap(settings: TonevaultSettings) -> None:
    """`keys rewrap`: nothing is made or ended by it, so one person may; the log keeps the login."""
    async with key_room(settings) as room:
        with stopping_between_steps("the same command"), ProgressBar("rewrapping", "keys") as bar:
            done = await room.rewrapping().run(room.clock.utc(), getpass.getuser(), bar)
        click.echo(f"{done} keys were wrapped anew; all are under the key in force.")


async def resume_rekeying(settings: TonevaultSettings, account: str | None) -> bool:
    """Bring on what an approved re-keying left; whether there was anything."""
    async with key_room(settings) as room:
        rekeying = room.rekeying()
        unfinished = await rekeying.unfinished(AccountId(account) if account else None)
        if unfinished:
            click.echo(
                "A re-keying that two custodians approved was cut short. It goes on; nobody has to approve it again."
            )
            await _bring_on(room, rekeying, [each.account for each in unfinished])
        return bool(unfinished)


async def resume_shredding(settings: TonevaultSettings, account: str) -> bool:
    """Empty the tokens that an approved shredding left; whether there were any."""
    async with key_room(settings) as room:
        begun = await room.shredding().is_begun(AccountId(account))
        if begun:
            await _empty(room, AccountId(account))
        return begun


async def status(settings: TonevaultSettings, *, as_json: bool) -> None:
    """`keys status`."""
    async with key_room(settings) as room:
        there, fault = None, None
        try:
            there = (await asyncio.to_thread(room.custody)).key_ids()
        except KeyCustodyError as error:
            fault = str(error)
        found = KeyStatus(
            census=await room.database.read(take_census),
            custodians=await room.ceremonies.custodians(),
            waiting=await room.ceremonies.waiting(),
            there=there,
            custody_fault=fault,
            settings=settings.secure.keys,
            at=room.clock.utc(),
        )
    if as_json:
        click.echo(json.dumps(status_document(found), indent=2))
        return
    if fault is not None:
        click.echo(f"The custody does not work: {fault}\n", err=True)
    for line in status_lines(found):
        click.echo(line)


async def _carry_out(room: KeyRoom, mandate: Mandate, newcomer: Person | None) -> None:
    act, subject = mandate.ceremony.act, mandate.ceremony.subject
    match act:
        case KeyAct.ROTATE:
            existing = None if subject == EVERY_ACCOUNT else subject
            kek = await room.rotation().rotate(mandate, room.clock.utc(), existing)
            click.echo(
                f"{kek.key_id} is in force. Those before it are kept until `keys rewrap` and `keys retire`."
            )
            _tell_shares(room, kek.key_id)
        case KeyAct.REKEY | KeyAct.REKEY_INDEX:
            rekeying = room.rekeying()
            await _bring_on(room, rekeying, await rekeying.begin(mandate, room.clock.utc()))
        case KeyAct.RETIRE:
            report = await room.retirement().run(mandate, room.clock.utc())
            for line in report.retired:
                click.echo(f"retired  {line}")
            for line in report.kept:
                click.echo(f"kept     {line}")
            if not report.retired and not report.kept:
                click.echo("There is nothing to retire.")
            if report.retired:
                await _erase(room)
        case KeyAct.RECOVER:
            await _recover(room, mandate, HOLDERS[subject])
        case KeyAct.SHRED:
            ended = await room.shredding().end_keys(mandate, AccountId(subject), room.clock.utc())
            click.echo(f"{ended} keys of {subject} are deleted.")
            await _empty(room, AccountId(subject))
        case KeyAct.ENROL:
            # Asked for before the approval, wherever that is given.
            assert newcomer is not None  # noqa: S101
            await room.ceremonies.enrol(mandate, newcomer)
            click.echo(f"{subject} is a custodian now.")
        case KeyAct.DISMISS:
            await room.ceremonies.dismiss(mandate, subject)
            click.echo(
                f"{subject} is no custodian any more. Renew what {subject} knew: docs/keys.md, when a custodian leaves."
            )
        case _:
            assert_never(act)


async def _bring_on(room: KeyRoom, rekeying: Rekeying, accounts: list[AccountId]) -> None:
    for account in accounts:
        progress = ProgressBar(f"re-keying {account}", "cards")
        with stopping_between_steps("the same command"), progress as bar:
            done = await rekeying.run(account, room.clock.utc(), bar)
            rate = bar.rate
        click.echo(f"{account}: {done:,} cards are under the new key ({rate:,.0f} a second).")
    click.echo(
        "The keys before may be retired in two minutes: `tonevault keys retire`. Backups from before need them: docs/keys.md."
    )


async def _empty(room: KeyRoom, account: AccountId) -> None:
    progress = ProgressBar(f"emptying {account}", "tokens")
    with stopping_between_steps("the same command"), progress as bar:
        done = await room.shredding().empty_tokens(account, room.clock.utc(), bar)
    click.echo(f"{done:,} tokens of {account} are revoked and hold no card any more.")
    await _erase(room)


async def _erase(room: KeyRoom) -> None:
    said = await asyncio.to_thread(erase_deleted_keys, room.database)
    click.echo(f"Deleted keys: {said}. Backups and snapshots of the disk: docs/keys.md.")


async def _recover(room: KeyRoom, mandate: Mandate, lost: Holder) -> None:
    _require_shares(room)
    paths, passphrases = share_paths(room.where), share_passphrases(room.settings.secure.keys, os.environ)
    recovered = await asyncio.to_thread(recover_shares, paths, lost, passphrases)
    await room.database.transact(lambda c: room.ceremonies.carried_out(c, mandate))
    for key_id in recovered:
        click.echo(f"rebuilt: {paths.share(lost, key_id)}")
    click.echo("Take the escrow's shares off this machine again.")
    click.echo(
        "If the lost share may be in other hands, renew the keys: tonevault keys rotate, rewrap, retire"
    )


def _require_shares(room: KeyRoom) -> None:
    custody = room.settings.secure.keys.custody
    if custody != CustodyKind.FILE.value:
        raise KeyActRefusedError(f"the custody {custody} has no shares; its own backups bring its keys back")


def _tell_shares(room: KeyRoom, key_id: str) -> None:
    if room.settings.secure.keys.custody == CustodyKind.FILE.value:
        for line in share_lines(room.where, key_id):
            click.echo(line)
