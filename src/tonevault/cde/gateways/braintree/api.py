"""The SDK's calls that the adapter makes, typed, in threads of their own: the SDK blocks. Nothing is ever sent twice."""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from tonevault.cde.blanks import BlankError, Blanks
from tonevault.cde.gateways.braintree.forms import Params
from tonevault.cde.gateways.braintree.line import BraintreeLine, SilenceError, UnsentError
from tonevault.cde.gateways.braintree.views import Outcome, Transaction, Tried, View

with warnings.catch_warnings():
    # The SDK warns of its own deprecated names while it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import braintree  # type: ignore[import-untyped] # it ships no types; everything of it ends in this file
    from braintree.exceptions.braintree_error import BraintreeError  # type: ignore[import-untyped]

THREADS: Final = 32
"""Requests at once; further ones wait in order."""
ENVIRONMENTS: Final = {
    "production": braintree.Environment.Production,
    "sandbox": braintree.Environment.Sandbox,
}

T = TypeVar("T")


class RefusedError(Exception):
    """Braintree answered with an HTTP error. `kind` is the name of the SDK's exception."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class BraintreeAccess:
    """What a merchant's Braintree is reached by. `environment`: `production`, `sandbox`, or the URL of another server, for tests.

    `merchant_accounts`: currency to merchant account. One without an account is not charged: a default account would take
    the number in a currency of its own.
    """

    merchant_id: str
    public_key: str
    private_key: str = field(repr=False)
    merchant_accounts: Mapping[str, str]
    environment: str = "production"


class _Result(Protocol):
    """What the SDK's calls give back."""

    @property
    def is_success(self) -> bool: ...


class BraintreeApi:
    """One merchant's Braintree. Methods raise UnsentError, SilenceError or RefusedError."""

    def __init__(self, access: BraintreeAccess, blanks: Blanks, timeout_s: float) -> None:
        environment = _environment(access.environment)
        self._line = BraintreeLine(blanks, timeout_s, environment.ssl_certificate, THREADS)
        self._gateway = braintree.BraintreeGateway(
            braintree.Configuration(
                environment,
                access.merchant_id,
                access.public_key,
                access.private_key,
                http_strategy=lambda *_: self._line,
            )
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="braintree")

    async def sale(self, params: Params) -> Outcome:
        """Make a payment, or hold one."""
        return await self._outcome(self._gateway.transaction.sale, params)

    async def verify(self, params: Params) -> Outcome:
        """Check a card for no money."""
        return await self._outcome(self._gateway.verification.create, params)

    async def capture(self, transaction_id: str, amount: str) -> Outcome:
        """Take held money."""
        return await self._outcome(
            self._gateway.transaction.submit_for_settlement, transaction_id, Decimal(amount)
        )

    async def void(self, transaction_id: str) -> Outcome:
        """Let money go that is not settled yet."""
        return await self._outcome(self._gateway.transaction.void, transaction_id)

    async def refund(self, transaction_id: str, amount: str, reference: str) -> Outcome:
        """Give settled money back; the credit's `order_id` is its reference."""
        options = {"amount": Decimal(amount), "order_id": reference}
        return await self._outcome(self._gateway.transaction.refund, transaction_id, options)

    async def transaction(self, transaction_id: str) -> Transaction | None:
        """A transaction as it is now; None where there is none."""
        try:
            return _read(Transaction, await self._run(self._gateway.transaction.find, transaction_id))
        except RefusedError as error:
            if error.kind == "NotFoundError":
                return None
            raise

    async def verification(self, verification_id: str) -> Tried | None:
        """A verification; None where there is none."""
        try:
            return _read(Tried, await self._run(self._gateway.verification.find, verification_id))
        except RefusedError as error:
            if error.kind == "NotFoundError":
                return None
            raise

    async def by_order(self, reference: str) -> list[Transaction]:
        """Every transaction under a reference."""
        return await self._search(braintree.TransactionSearch.order_id == reference)

    async def between(self, what: str, since: datetime, until: datetime) -> list[Transaction]:
        """Transactions whose time of `what` (`created_at`, `voided_at`…) lies in the span."""
        return await self._search(
            getattr(braintree.TransactionSearch, what).between(
                since.astimezone(UTC).replace(tzinfo=None), until.astimezone(UTC).replace(tzinfo=None)
            )
        )

    def webhook(self, signature: str, payload: str) -> object:
        """A webhook's notification, once its signature is verified. Raises RefusedError."""
        try:
            return self._gateway.webhook_notification.parse(signature, payload)
        except BraintreeError as error:
            raise RefusedError(type(error).__name__) from None

    async def close(self) -> None:
        """Let running requests end, and release connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        self._line.close()

    async def _search(self, query: object) -> list[Transaction]:
        found = await self._run(lambda: list(self._gateway.transaction.search(query).items))
        return [_read(Transaction, each) for each in found]

    async def _outcome(self, call: Callable[..., _Result | None], *args: object) -> Outcome:
        result = await self._run(call, *args)
        if result is None:
            raise SilenceError("the answer is neither a transaction nor an error")
        if result.is_success:
            return _read(Outcome, result)
        return _read(Outcome, _Failed(result))

    async def _run(self, call: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _guarded, call, *args)


class _Failed:
    """An ErrorResult with the names that a successful one has, and its errors as codes."""

    def __init__(self, result: object) -> None:
        self.transaction = getattr(result, "transaction", None)
        self.verification = getattr(result, "credit_card_verification", None)
        errors = getattr(result, "errors", None)
        self.invalid = tuple(str(each.code) for each in errors.deep_errors) if errors is not None else ()


def _guarded(call: Callable[..., T], *args: object) -> T:
    """Make a call; whatever it raises becomes one of ours, and keeps nothing of request or answer."""
    try:
        return call(*args)
    except (UnsentError, SilenceError):
        raise
    except BlankError:
        raise UnsentError("a blank was not lent") from None
    except BraintreeError as error:
        raise RefusedError(type(error).__name__) from None
    except Exception as error:  # noqa: BLE001 - the SDK lets whatever an unreadable answer causes through
        raise SilenceError(type(error).__name__) from None


V = TypeVar("V", bound=View)


def _read(view: type[V], answer: object) -> V:
    try:
        return view.model_validate(answer)
    except ValidationError:
        raise SilenceError("the answer cannot be read") from None


class _Elsewhere(braintree.Environment):  # type: ignore[misc] # the SDK ships no types
    """Another server, for tests. The SDK would speak HTTPS on port 443 alone; here the URL says it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        is_ssl = parts.scheme == "https"
        port = parts.port or (443 if is_ssl else 80)
        super().__init__("elsewhere", parts.hostname, str(port), "", is_ssl, None)

    @property
    def protocol(self) -> str:
        """With its slashes, as the SDK joins it to host and port."""
        return "https://" if self.is_ssl else "http://"


def _environment(name: str) -> "braintree.Environment":
    if name in ENVIRONMENTS:
        return ENVIRONMENTS[name]
    return _Elsewhere(name)
