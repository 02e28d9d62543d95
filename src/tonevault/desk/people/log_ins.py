"""Logging in and out: by password, by one-time ticket, by cookie on every later request. The server keeps the log-ins."""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.people import failures, store
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.model import ROLE_SCOPES, SYSTEM_ACTOR, Principal, User
from tonevault.desk.people.passwords import Passwords
from tonevault.desk.people.secret import Secret, SecretKind, make_secret, read_secret
from tonevault.desk.refusal import Refusal
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import ACCOUNT_PATTERN, AccountId, Entropy, UserId, make_id
from tonevault.plumbing.sql import Database

LIFETIME: Final = timedelta(hours=12)
"""The longest shift; after it a person logs in again."""
IDLE: Final = timedelta(hours=4)
"""A lunch and a meeting. No card can be seen at the desk, so PCI DSS 8.2.8's fifteen minutes do not bind it."""
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly idleness is known; finer would write to the database on every request."""
TICKET_LIFETIME: Final = timedelta(minutes=10)
"""Long enough to click a printed address, too short to be found in a scroll-back."""
MAX_LOGIN: Final = 200
MAX_ADDRESS: Final = 64

TICKET_SPENT: Final = "This log-in link was used or is too old. Ask for a new one, or log in."
_WRONG: Final = "The user name or the password is not right."


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A fresh log-in: `secret.text` is the cookie's value."""

    secret: Secret
    user: User


class LogInService:
    """Who is at the other end of a cookie."""

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

    async def log_in(
        self, login: str, password: str, address: str, account_id: AccountId | None = None
    ) -> LoggedIn:
        """By password. `account_id` may be left out where there is one account; `address` is the client's, for the limits.

        Raises Refusal `wrong_log_in`, `too_many_log_ins` or `account_required`.
        """
        account_id = account_id or await self._only_account()
        if not re.fullmatch(ACCOUNT_PATTERN, account_id):
            raise Refusal(401, "wrong_log_in", _WRONG)
        login, address = login.strip().lower()[:MAX_LOGIN], address[:MAX_ADDRESS]
        login_digest = self._digests.of("login", account_id.encode(), login.encode())

        def look(connection: Connection) -> tuple[User, str] | None:
            failures.require_few(connection, account_id, login_digest, address, self._clock.utc())
            return store.find_user_by_login(connection, account_id, login)

        found = await self._database.read(look)
        encoded = None if found is None or found[0].disabled else found[1]
        if not await self._passwords.matches(encoded, password) or found is None:
            await self._note_failure(account_id, login_digest, address, found[0].id if found else None)
            raise Refusal(401, "wrong_log_in", _WRONG)
        user = found[0]

        def begin(connection: Connection) -> LoggedIn:
            failures.forgive(connection, account_id, login_digest, address)
            return self._begin(connection, account_id, user, "log_in")

        return await self._database.transact(begin)

    async def redeem(self, ticket: str) -> LoggedIn:
        """By one-time ticket. Raises Refusal `ticket_spent`."""
        secret = read_secret(ticket, SecretKind.TICKET)

        def begin(connection: Connection) -> LoggedIn | None:
            if secret is None:
                return None
            now = self._clock.utc()
            user = store.use_ticket(connection, secret.account_id, secret.digest(self._digests), now)
            return (
                None if user is None else self._begin(connection, secret.account_id, user, "log_in_by_ticket")
            )

        logged_in = await self._database.transact(begin)
        if logged_in is None:
            raise Refusal(401, "ticket_spent", TICKET_SPENT)
        return logged_in

    async def make_ticket(self, account_id: AccountId, login: str) -> Secret:
        """A ticket that logs this user in once, within ten minutes."""
        secret = make_secret(SecretKind.TICKET, account_id, self._entropy)

        def make(connection: Connection) -> None:
            found = store.find_user_by_login(connection, account_id, login.strip().lower())
            if found is None:
                raise Refusal(404, "not_found", "No such user in this account.")
            expires_at = self._clock.utc() + TICKET_LIFETIME
            store.add_ticket(connection, account_id, secret.digest(self._digests), found[0].id, expires_at)
            self._audit.append(
                connection, account_id, SYSTEM_ACTOR, "make_log_in_ticket", subject=found[0].id
            )

        await self._database.transact(make)
        return secret

    async def who(self, cookie: str) -> Principal | None:
        """The person behind a cookie's value; None where the log-in has ended."""
        secret = read_secret(cookie, SecretKind.LOG_IN)
        if secret is None:
            return None
        account_id, digest = secret.account_id, secret.digest(self._digests)
        found = await self._database.read(lambda c: store.find_log_in(c, account_id, digest))
        now = self._clock.utc()
        if found is None:
            return None
        user, seen_at, expires_at = found
        if user.disabled or now >= expires_at or now >= seen_at + IDLE:
            return None
        if now >= seen_at + SEEN_EVERY:
            await self._database.transact(lambda c: store.touch_log_in(c, account_id, digest, now))
        return Principal(account_id, user.id, ROLE_SCOPES[user.role], user, secret.csrf_token(self._digests))

    async def log_out(self, cookie: str) -> None:
        """End a log-in; harmless when it has ended."""
        secret = read_secret(cookie, SecretKind.LOG_IN)

        def end(connection: Connection) -> None:
            if secret is None:
                return
            user_id = store.end_log_in(connection, secret.account_id, secret.digest(self._digests))
            if user_id is not None:
                self._audit.append(connection, secret.account_id, user_id, "log_out", subject=user_id)

        await self._database.transact(end)

    async def forget_expired(self) -> None:
        """Part of the regular sweep."""
        await self._database.transact(lambda c: store.forget_expired(c, self._clock.utc()))

    def _begin(self, connection: Connection, account_id: AccountId, user: User, action: str) -> LoggedIn:
        secret = make_secret(SecretKind.LOG_IN, account_id, self._entropy)
        now = self._clock.utc()
        store.add_log_in(
            connection, account_id, secret.digest(self._digests), user.id, now=now, expires_at=now + LIFETIME
        )
        self._audit.append(connection, account_id, user.id, action, subject=user.id)
        return LoggedIn(secret, user)

    async def _only_account(self) -> AccountId:
        accounts = await self._database.read(store.accounts)
        if len(accounts) != 1:
            raise Refusal(422, "account_required", "account: is required, because this desk serves several.")
        return accounts[0].id

    async def _note_failure(
        self, account_id: AccountId, login_digest: bytes, address: str, user_id: UserId | None
    ) -> None:
        failure_id = make_id("fail", epoch_ms(self._clock.utc()), self._entropy)

        def note(connection: Connection) -> None:
            failures.count_one(
                connection,
                account_id,
                failure_id,
                login_digest=login_digest,
                address=address,
                now=self._clock.utc(),
            )
            if user_id is not None:
                self._audit.append(connection, account_id, SYSTEM_ACTOR, "log_in_refused", subject=user_id)

        await self._database.transact(note)


def same_token(given: str | None, expected: str | None) -> bool:
    """Compare a CSRF token without telling by the time it takes how much of it was right."""
    return bool(given and expected) and hmac.compare_digest((given or "").encode(), (expected or "").encode())
