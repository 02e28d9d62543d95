"""What the desk refuses and why: a stable code, a sentence with the way out, the fields at fault. Never repeats its input."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError

RETRY_UNREACHABLE_S: Final = 2
"""The secure zone restarts within seconds; asking sooner only fails again."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field of a request, the rule that it broke, and what the rule asks for."""

    field: str
    rule: str
    detail: str


class Refusal(Exception):  # noqa: N818 - it is an answer to a caller, not a fault of the desk
    """A request that is not carried out. `status` is the HTTP status that suits it; `code` is stable; `detail` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: tuple[FieldFault, ...] = (),
        retry_after_s: int | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after_s = retry_after_s
        self.facts = dict(facts or {})
        """Members that a program may read beside the code (RFC 9457 section 3.2), such as the state of a token."""

    def below(self, place: str) -> "Refusal":
        """The same of a field that stands deeper in the request, such as `parts.1`."""
        moved = tuple(replace(each, field=f"{place}.{each.field}") for each in self.errors)
        named = bool(self.errors) and self.detail.startswith(f"{self.errors[0].field}: ")
        return Refusal(
            self.status,
            self.code,
            f"{place}.{self.detail}" if named else f"{place}: {self.detail}",
            errors=moved,
            retry_after_s=self.retry_after_s,
            facts=self.facts,
        )


def not_found(what: str) -> Refusal:
    """`what` is one of our own words (customer, call…), never what was asked for."""
    rule = "is not one of this account's; list them to see which there are"
    fault = FieldFault(f"{what.replace(' ', '_').lower()}_id", "not_found", rule)
    detail = f"No such {what} in this account; list them to see which there are."
    return Refusal(404, "not_found", detail, errors=(fault,))


def invalid(field: str, rule: str, detail: str) -> Refusal:
    """One field that breaks a rule which only the service can check."""
    fault = FieldFault(field, rule, detail)
    return Refusal(422, "invalid_request", f"{field}: {detail}", errors=(fault,))


def unreachable() -> Refusal:
    """The secure zone is silent; nobody knows whether it has acted, so the same request is to be sent again."""
    return Refusal(
        503,
        "secure_zone_unreachable",
        "The secure zone does not answer. Send the same request again with the same Idempotency-Key.",
        retry_after_s=RETRY_UNREACHABLE_S,
    )


@contextmanager
def asking_the_secure_zone() -> Iterator[None]:
    """Turn the port's two faults into refusals that a caller of the desk understands."""
    try:
        yield
    except SecureZoneUnreachableError:
        raise unreachable() from None
    except SecureZoneError as error:
        if not is_definite(error):
            raise unreachable() from None
        raise refusal_of_zone(error) from None


_FIELDS: Final = {"token_id": "token", "account_id": "", "session_id": "", "operation_id": ""}
"""What the API calls the fields of the narrow interface; empty where no field of a request is meant."""
_NAMED: Final = re.compile(r"([a-z_]{2,32}): (.+)", re.DOTALL)


def refusal_of_zone(error: SecureZoneError) -> Refusal:
    """A refusal of the secure zone, with the field that it names. Its sentences are ours and hold nothing of a request."""
    named = _NAMED.fullmatch(error.detail)
    field = "" if named is None else _FIELDS.get(named[1], named[1])
    if named is None or not field:
        return Refusal(error.status, error.code, error.detail)
    fault = FieldFault(field, error.code, named[2])
    return Refusal(error.status, error.code, f"{field}: {named[2]}", errors=(fault,))


def is_definite(error: SecureZoneError) -> bool:
    """Whether nothing was done. A 5xx of the secure zone tells no more than silence: it may have acted and failed after.

    Nor does a 401: whoever is not let in learns nothing of what an earlier request has done.
    """
    return 400 <= error.status < 500 and error.status != 401
