"""Provisioning: accounts, users and API keys. Each secret is answered once and stored as a digest or a hash only."""

import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.people import store
from tonevault.desk.people.audit import AuditEntry, AuditLog
from tonevault.desk.people.model import SYSTEM_ACTOR, Account, ApiKey, Principal, Role, Scope, User
from tonevault.desk.people.passwords import Passwords, make_password
from tonevault.desk.people.secret import Secret, SecretKind, make_secret, read_secret
from tonevault.desk.refusal import Refusal, invalid, not_found
from tonevault.desk.series import open_series
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import (
    ACCOUNT_PATTERN,
    API_KEY,
    USER,
    AccountId,
    ApiKeyId,
    Entropy,
    UserId,
    make_id,
)
from tonevault.plumbing.sql import Database

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,199}")
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}")


class PeopleService:
    """Who there is, and what opens for whom."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        digests: KeyedDigest,
        *,
        audit: AuditLog,
        passwords: Passwords,
    ) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._digests = digests
        self._audit = audit
        self._passwords = passwords

    async def create_account(self, account_id: str, name: str, country_code: str | None = None) -> Account:
        """A merchant. `account_id` is a word of letters and hyphens; `country_code` like `44`. Raises Refusal `account_exists`."""
        if not re.fullmatch(ACCOUNT_PATTERN, account_id):
            raise invalid(
                "account_id", "pattern", "must be 1 to 32 small letters and hyphens, such as acme-travel"
            )
        if country_code is not None and not _COUNTRY.fullmatch(country_code):
            raise invalid("country_code", "pattern", "must be a telephone country code without +, such as 44")
        account = Account(AccountId(account_id), name, country_code, self._clock.utc())

        def create(connection: Connection) -> None:
            store.add_account(connection, account)
            open_series(connection, account.id)
            self._audit.append(connection, account.id, SYSTEM_ACTOR, "create_account", subject="account")

        try:
            await self._database.transact(create)
        except IntegrityError:
            raise Refusal(409, "account_exists", "There is an account of this name already.") from None
        return account

    async def find_account(self, account_id: AccountId) -> Account | None:
        """The account, or None."""
        return await self._database.read(lambda c: store.find_account(c, account_id))

    async def accounts(self) -> list[Account]:
        """All accounts of this installation; for the command line."""
        return await self._database.read(store.accounts)

    async def add_user(
        self, account_id: AccountId, login: str, name: str, role: Role, password: str | None = None
    ) -> tuple[User, str]:
        """A user and the password, which is made where none is given. Raises Refusal `login_taken`."""
        login = login.strip().lower()
        if not _LOGIN.fullmatch(login):
            raise invalid(
                "login", "pattern", "must be letters, digits and . _ @ + -, such as sam@acme.example"
            )
        password = password or make_password(self._entropy)
        encoded = await self._passwords.hash(password)
        now = self._clock.utc()
        user_id = UserId(make_id(USER, epoch_ms(now), self._entropy))
        user = User(user_id, login, name, role, disabled=False, created_at=now)

        def add(connection: Connection) -> None:
            store.add_user(connection, account_id, user, encoded)
            self._audit.append(
                connection, account_id, SYSTEM_ACTOR, "add_user", subject=user.id, detail={"role": role.value}
            )

        try:
            await self._database.transact(add)
        except IntegrityError:
            raise Refusal(409, "login_taken", "login: is taken in this account.") from None
        return user, password

    async def set_password(self, account_id: AccountId, login: str, password: str | None = None) -> str:
        """A new password, made where none is given; it ends every log-in of the user."""
        password = password or make_password(self._entropy)
        encoded = await self._passwords.hash(password)
        await self._change(account_id, login, "set_password", password_hash=encoded)
        return password

    async def set_disabled(self, account_id: AccountId, login: str, *, disabled: bool) -> None:
        """Shut a user out at once, or let them in again."""
        action = "disable_user" if disabled else "enable_user"
        await self._change(account_id, login, action, disabled=disabled)

    async def _change(
        self,
        account_id: AccountId,
        login: str,
        action: str,
        *,
        password_hash: str | None = None,
        disabled: bool | None = None,
    ) -> None:
        def change(connection: Connection) -> None:
            found = store.find_user_by_login(connection, account_id, login.strip().lower())
            if found is None:
                raise not_found("user")
            store.change_user(
                connection, account_id, found[0].id, password_hash=password_hash, disabled=disabled
            )
            self._audit.append(connection, account_id, SYSTEM_ACTOR, action, subject=found[0].id)

        await self._database.transact(change)

    async def users(self, account_id: AccountId) -> list[User]:
        """Everybody of an account."""
        return await self._database.read(lambda c: store.users(c, account_id))

    async def create_api_key(
        self,
        account_id: AccountId,
        name: str,
        scopes: Iterable[Scope],
        actor: str = SYSTEM_ACTOR,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, Secret]:
        """A key and its secret; `secret.text` is what the program sends as `Authorization: Bearer`."""
        wanted = tuple(sorted(set(scopes)))
        if not wanted:
            raise invalid("scopes", "min_items", "must name at least one scope")
        now = self._clock.utc()
        key_id = ApiKeyId(make_id(API_KEY, epoch_ms(now), self._entropy))
        key = ApiKey(key_id, name, wanted, actor, now, expires_at, revoked_at=None)
        secret = make_secret(SecretKind.API_KEY, account_id, self._entropy)

        def create(connection: Connection) -> None:
            store.add_api_key(connection, account_id, key, secret.digest(self._digests))
            scopes_text = " ".join(wanted)
            self._audit.append(
                connection,
                account_id,
                actor,
                "create_api_key",
                subject=key.id,
                detail={"scopes": scopes_text},
            )

        await self._database.transact(create)
        return key, secret

    async def api_keys(self, account_id: AccountId) -> list[ApiKey]:
        """All keys of an account, newest first, revoked ones too."""
        return await self._database.read(lambda c: store.api_keys(c, account_id))

    async def revoke_api_key(self, account_id: AccountId, key_id: ApiKeyId, actor: str) -> ApiKey:
        """Close a key for good; harmless when it is closed."""

        def revoke(connection: Connection) -> ApiKey | None:
            key = store.revoke_api_key(connection, account_id, key_id, self._clock.utc())
            if key is not None:
                self._audit.append(connection, account_id, actor, "revoke_api_key", subject=key_id)
            return key

        key = await self._database.transact(revoke)
        if key is None:
            raise not_found("API key")
        return key

    async def who(self, bearer: str) -> Principal | None:
        """The program behind an API key; None where the key opens nothing."""
        secret = read_secret(bearer, SecretKind.API_KEY)
        if secret is None:
            return None
        account_id, digest = secret.account_id, secret.digest(self._digests)
        key = await self._database.read(lambda c: store.find_api_key(c, account_id, digest))
        if key is None or not key.is_valid(self._clock.utc()):
            return None
        return Principal(account_id, key.id, frozenset(key.scopes))

    async def audit_entries(self, account_id: AccountId, after: int, limit: int) -> list[AuditEntry]:
        """What was done, in order, from the entry after number `after`."""
        return await self._database.read(lambda c: self._audit.entries(c, account_id, after, limit))

    async def first_broken_audit_entry(self, account_id: AccountId) -> int | None:
        """None while the chain of the audit log holds."""
        return await self._database.read(lambda c: self._audit.first_broken(c, account_id))
