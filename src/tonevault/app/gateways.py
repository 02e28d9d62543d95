"""The one place that chooses each account's gateway, and gives it its credentials."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, assert_never

from tonevault.app.embedded import Places
from tonevault.app.gateway_settings import (
    BraintreeSettings,
    GenericSettings,
    StripeSettings,
    WorldpaySettings,
)
from tonevault.app.settings import AccountSettings
from tonevault.cde.gateway import Gateway
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.secret_sources.reader import SecretReader
from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError
from tonevault.plumbing.settings import SettingsError

_STRIPE_KEY: Final = re.compile(r"(?:sk|rk)_(?:test|live)_\w+")
_STRIPE_WEBHOOK: Final = re.compile(r"whsec_\w+")


class GatewayOpener:
    """Opens the gateways of accounts. The simulator is one for all who use it; every other account has an adapter of its own."""

    def __init__(self, where: Places, clock: Clock, environ: Mapping[str, str]) -> None:
        self._where = where
        self._clock = clock
        self._reader = SecretReader(environ)
        self._simulator: SimulatorGateway | None = None

    def open_all(self, accounts: Iterable[AccountSettings]) -> dict[AccountId, Gateway]:
        """Every account's gateway. Raises SettingsError with every fault of all of them; what was opened is its caller's to close."""
        opened: dict[AccountId, Gateway] = {}
        problems: list[str] = []
        for place, account in enumerate(accounts):
            try:
                opened[AccountId(account.id)] = self.open(account, f"accounts[{place}]")
            except SettingsError as error:
                problems += error.problems
        if problems:
            raise SettingsError(problems)
        return opened

    def open(self, account: AccountSettings, setting: str) -> Gateway:
        """One account's gateway. `setting` is where its table stands, for errors. Raises SettingsError."""
        match account.gateway:
            case "simulator":
                if self._simulator is None:
                    self._simulator = SimulatorGateway(self._where.simulator_database, self._clock)
                return self._simulator
            case "stripe":
                return self._stripe(account, account.stripe, f"{setting}.stripe")
            case "braintree":
                return self._braintree(account, account.braintree, f"{setting}.braintree")
            case "worldpay":
                return self._worldpay(account, account.worldpay, f"{setting}.worldpay")
            case "generic":
                return self._generic(account, account.generic, f"{setting}.generic")
            case _:
                assert_never(account.gateway)

    # Each adapter is loaded by the account that uses it: an SDK takes time and memory.

    def _stripe(self, account: AccountSettings, settings: StripeSettings, setting: str) -> Gateway:
        from tonevault.cde.gateways.stripe import StripeGateway  # noqa: PLC0415

        key = self._secret(f"{setting}.secret_key", settings.secret_key)
        if not _STRIPE_KEY.fullmatch(key):
            raise SettingsError(
                [
                    f"{setting}.secret_key: is no secret key; Stripe's begin with sk_live_, sk_test_, rk_live_ or rk_test_"
                    + (" (this one is publishable)" if key.startswith("pk_") else "")
                ]
            )
        secrets = self._secrets(f"{setting}.webhook_secrets", settings.webhook_secrets)
        if not all(_STRIPE_WEBHOOK.fullmatch(each) for each in secrets):
            raise SettingsError(
                [
                    f"{setting}.webhook_secrets: each is the signing secret of an endpoint, and begins with whsec_"
                ]
            )
        return StripeGateway(
            key,
            self._clock,
            webhook_secrets=secrets,
            base_url=settings.url,
            timeout_s=account.gateway_timeout_s,
        )

    def _braintree(self, account: AccountSettings, settings: BraintreeSettings, setting: str) -> Gateway:
        from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway  # noqa: PLC0415

        access = BraintreeAccess(
            merchant_id=settings.merchant_id or "",
            public_key=self._secret(f"{setting}.public_key", settings.public_key),
            private_key=self._secret(f"{setting}.private_key", settings.private_key),
            merchant_accounts=settings.merchant_accounts,
            environment=settings.url or settings.environment,
        )
        return BraintreeGateway(
            AccountId(account.id), access, self._clock, timeout_s=account.gateway_timeout_s
        )

    def _worldpay(self, account: AccountSettings, settings: WorldpaySettings, setting: str) -> Gateway:
        from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway  # noqa: PLC0415
        from tonevault.cde.gateways.worldpay.settings import LIVE, TRY  # noqa: PLC0415

        access = WorldpayAccess(
            username=self._secret(f"{setting}.username", settings.username),
            password=self._secret(f"{setting}.password", settings.password),
            entity=settings.entity or "",
            narrative=settings.narrative or "",
            country=settings.country,
            webhook_keys=self._secrets(f"{setting}.webhook_keys", settings.webhook_keys),
            url=settings.url or (LIVE if settings.environment == "live" else TRY),
        )
        return WorldpayGateway(
            AccountId(account.id), access, self._clock, timeout_s=account.gateway_timeout_s
        )

    def _generic(self, account: AccountSettings, settings: GenericSettings, setting: str) -> Gateway:
        from tonevault.cde.gateways.generic import ConnectorAccess, GenericConnector  # noqa: PLC0415

        access = ConnectorAccess(
            url=settings.url or "",
            username=self._secret(f"{setting}.username", settings.username),
            password=self._secret(f"{setting}.password", settings.password),
            parameters=settings.parameters,
            has_status=settings.has_status,
            has_refund=settings.has_refund,
        )
        try:
            return GenericConnector(
                AccountId(account.id), access, self._clock, timeout_s=account.gateway_timeout_s
            )
        except ValueError:
            raise SettingsError([f"{setting}.url: must be HTTPS, or an address of this machine"]) from None

    def _secret(self, setting: str, place: SecretReference | None) -> str:
        if place is None:
            raise SettingsError([f"{setting}: is required"])
        try:
            return self._reader.read(place).get_secret_value()
        except SecretUnavailableError as error:
            raise SettingsError([f"{setting}: {error}"]) from None

    def _secrets(self, setting: str, places: tuple[SecretReference, ...]) -> tuple[str, ...]:
        return tuple(self._secret(f"{setting}[{place}]", each) for place, each in enumerate(places))
