"""Users, API keys, roles and scopes. Secrets stand here only as long as it takes to show them once."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tonevault.kernel.ids import AccountId, ApiKeyId, UserId

SYSTEM_ACTOR: Final = "system"


class Scope(StrEnum):
    """One kind of act on one kind of thing. An API key holds some of them; a role stands for a set of them."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    CHARGES_READ = "charges:read"
    CHARGES_WRITE = "charges:write"
    REFUNDS_WRITE = "refunds:write"
    EVENTS_READ = "events:read"
    AUDIT_READ = "audit:read"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"


class Role(StrEnum):
    """What a person does at the desk."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    FINANCE = "finance"
    AUDITOR = "auditor"
    ADMIN = "admin"


_AGENT: Final = frozenset(
    {
        Scope.CUSTOMERS_READ,
        Scope.CUSTOMERS_WRITE,
        Scope.CALLS_READ,
        Scope.CALLS_WRITE,
        Scope.SESSIONS_READ,
        Scope.SESSIONS_WRITE,
        Scope.TOKENS_READ,
        Scope.CHARGES_READ,
        Scope.CHARGES_WRITE,
        Scope.EVENTS_READ,
    }
)
_READERS: Final = frozenset(scope for scope in Scope if scope.endswith(":read"))

ROLE_SCOPES: Final = {
    Role.AGENT: _AGENT,
    Role.SUPERVISOR: _AGENT | {Scope.TOKENS_WRITE, Scope.REFUNDS_WRITE},
    Role.FINANCE: frozenset(
        {
            Scope.CUSTOMERS_READ,
            Scope.CALLS_READ,
            Scope.SESSIONS_READ,
            Scope.TOKENS_READ,
            Scope.TOKENS_WRITE,
            Scope.CHARGES_READ,
            Scope.CHARGES_WRITE,
            Scope.REFUNDS_WRITE,
            Scope.EVENTS_READ,
        }
    ),
    Role.AUDITOR: _READERS,
    Role.ADMIN: frozenset(Scope),
}
"""Least privilege (PCI DSS 7.2.2): the auditor changes nothing, and finance takes no card on a call."""


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant. `country_code` completes telephone numbers written without one (`44`); None takes only full ones."""

    id: AccountId
    name: str
    country_code: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person who can log in."""

    id: UserId
    login: str
    name: str
    role: Role
    disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a program. The secret itself is not here: it is shown once, when the key is made."""

    id: ApiKeyId
    name: str
    scopes: tuple[Scope, ...]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, repr=False)
class NewApiKey:
    """A key that was just made, with what the program sends as `Authorization: Bearer`. The secret is not shown again."""

    api_key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks: a user, or a key (`user` is null)."""

    account_id: AccountId
    actor: str
    scopes: tuple[Scope, ...]
    user: User | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request. `actor` is a user's or a key's id; `user` is None for a key."""

    account_id: AccountId
    actor: str
    scopes: frozenset[Scope]
    user: User | None = None
    csrf_token: str | None = None
    """Set for a log-in by cookie: what a form or a script must send back to prove that it is our own page."""

    def may(self, scope: Scope) -> bool:
        """Whether the scope is held."""
        return scope in self.scopes

    def who(self) -> Who:
        """As the API shows it."""
        return Who(self.account_id, self.actor, tuple(sorted(self.scopes)), self.user)
