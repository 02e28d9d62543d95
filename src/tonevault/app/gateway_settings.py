"""The settings of an account's gateway: a table for each kind of it below `[[accounts]]`. Credentials are references, never values."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from tonevault.kernel.money import MINOR_DIGITS
from tonevault.plumbing.settings import SecretPlace, Settings

GatewayName = Literal["simulator", "stripe", "braintree", "worldpay", "generic"]
MAX_URL: Final = 2000
OWN_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
"""Cards may cross this machine in the clear, and no network."""


def _url(text: str) -> str:
    parts = urlsplit(text) if len(text) <= MAX_URL else None
    if parts is None or not parts.hostname or parts.username is not None:
        raise ValueError(
            "must be a URL, for example https://pay.example.com/charge, without user or password"
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in OWN_HOSTS):
        raise ValueError("must begin with https://, unless it is an address of this machine")
    return text


Url = Annotated[str, AfterValidator(_url)]
Timeout = Annotated[float, Field(ge=2, le=25)]
"""Shorter, and slow issuers are taken for silent. A payment takes three requests, which must end before the engine stops waiting."""


class StripeSettings(Settings):
    """A Stripe account. `url` is for tests."""

    secret_key: SecretPlace | None = None
    webhook_secrets: Annotated[tuple[SecretPlace, ...], Field(max_length=4)] = ()
    url: Url | None = None


class BraintreeSettings(Settings):
    """A Braintree merchant. `url` is for tests."""

    merchant_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    public_key: SecretPlace | None = None
    private_key: SecretPlace | None = None
    merchant_accounts: dict[str, Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = Field(
        default_factory=dict
    )
    environment: Literal["production", "sandbox"] = "production"
    url: Url | None = None


class WorldpaySettings(Settings):
    """An Access Worldpay contract. `url` is for tests."""

    username: SecretPlace | None = None
    password: SecretPlace | None = None
    entity: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    narrative: Annotated[str, Field(min_length=1, max_length=24)] | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "GB"
    webhook_keys: Annotated[tuple[SecretPlace, ...], Field(max_length=4)] = ()
    environment: Literal["live", "try"] = "live"
    url: Url | None = None


class GenericSettings(Settings):
    """An endpoint that speaks the generic pay connector's protocol."""

    url: Url | None = None
    username: SecretPlace | None = None
    password: SecretPlace | None = None
    parameters: dict[str, Annotated[str, Field(max_length=500)]] = Field(default_factory=dict)
    has_status: bool = False
    has_refund: bool = False


REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "simulator": (),
    "stripe": ("secret_key",),
    "braintree": ("merchant_id", "public_key", "private_key", "merchant_accounts"),
    "worldpay": ("username", "password", "entity", "narrative"),
    "generic": ("url", "username", "password"),
}
"""What each gateway cannot be without."""


def shortcoming(gateway: str, table: Settings | None) -> str | None:
    """What is wrong with an account's gateway and its table, in a sentence; None where nothing is."""
    missing = [name for name in REQUIRED[gateway] if not getattr(table, name, None)]
    if missing:
        names = " and ".join(f"{gateway}.{name}" for name in missing)
        return f"gateway {gateway} needs {names}; see docs/gateways.md"
    if isinstance(table, BraintreeSettings) and not table.merchant_accounts.keys() <= MINOR_DIGITS.keys():
        return "braintree.merchant_accounts: each name is an ISO 4217 code, for example GBP"
    return None
