"""Provisioning from the command line, straight on the desk's database: accounts of the configuration, users, API keys, log-in links."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tonevault.app.desk_database import open_desk_database
from tonevault.app.embedded import places, read_secret
from tonevault.app.settings import AccountSettings, TonevaultSettings
from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.log_ins import LogInService
from tonevault.desk.people.model import Role, Scope
from tonevault.desk.people.passwords import Passwords
from tonevault.desk.people.service import PeopleService
from tonevault.desk.refusal import Refusal
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.settings import SettingsError


@dataclass(frozen=True, slots=True)
class Provisioning:
    """Who there is, and how they log in."""

    people: PeopleService
    log_ins: LogInService


@asynccontextmanager
async def provisioning(settings: TonevaultSettings) -> AsyncIterator[Provisioning]:
    """The desk's people while the block runs, with the accounts of the configuration made."""
    where = places(settings)
    database = open_desk_database(where)
    try:
        clock, digests = WallClock(), KeyedDigest(read_secret(where.desk_pepper))
        shared = (database, clock, SYSTEM_ENTROPY, digests)
        audit, passwords = AuditLog(digests, clock), Passwords()
        people = PeopleService(*shared, audit=audit, passwords=passwords)
        await ensure_accounts(people, settings.accounts)
        yield Provisioning(people, LogInService(*shared, audit=audit, passwords=passwords))
    finally:
        await database.close()


async def ensure_accounts(people: PeopleService, accounts: Sequence[AccountSettings]) -> None:
    """Make those accounts that the desk does not know yet."""
    for account in accounts:
        if await people.find_account(AccountId(account.id)) is None:
            try:
                await people.create_account(account.id, account.name, account.country_code)
            except Refusal as refusal:
                if refusal.code != "account_exists":
                    raise


async def add_user(settings: TonevaultSettings, account: str, login: str, role: str, password: str) -> str:
    """One line that says what was done."""
    async with _refusals_as_faults(), provisioning(settings) as desk:
        await _require_account(desk, account)
        user, _ = await desk.people.add_user(AccountId(account), login, login, Role(role), password)
        return f"{user.login} may log in as {user.role} of {account}"


async def add_api_key(settings: TonevaultSettings, account: str, name: str, scopes: tuple[str, ...]) -> str:
    """The key, shown this once."""
    known = {scope.value for scope in Scope}
    if any(scope not in known for scope in scopes):
        raise SettingsError([f"--scope: must be one of {', '.join(sorted(known))}"])
    async with _refusals_as_faults(), provisioning(settings) as desk:
        await _require_account(desk, account)
        wanted = [Scope(scope) for scope in scopes] or list(Scope)
        _, secret = await desk.people.create_api_key(AccountId(account), name, wanted)
        return f"{secret.text}\nThis key is shown once. Send it as `Authorization: Bearer`."


async def _require_account(desk: Provisioning, account: str) -> None:
    if await desk.people.find_account(AccountId(account)) is None:
        raise SettingsError(["--account: is not the id of an [[accounts]] table of the configuration"])


@asynccontextmanager
async def _refusals_as_faults() -> AsyncIterator[None]:
    try:
        yield
    except Refusal as refusal:
        lines = [f"{fault.field}: {fault.detail}" for fault in refusal.errors] or [refusal.detail]
        raise SettingsError(lines) from None
