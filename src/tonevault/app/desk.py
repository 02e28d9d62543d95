"""The desk process: merchant API and panel over the narrow interface. It never imports the secure zone; an import contract says so."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

from fastapi import FastAPI

from tonevault.app.desk_database import open_desk_database
from tonevault.app.embedded import boundary_token, places, prepare_boundary, read_secret
from tonevault.app.people import ensure_accounts
from tonevault.app.settings import TonevaultSettings
from tonevault.app.web_server import WebServer, stop_on_signals
from tonevault.boundary.captures import FieldName
from tonevault.desk.api.app import create_api
from tonevault.desk.panel.mount import mount_panel
from tonevault.desk.payments.currencies import CurrenciesOf
from tonevault.desk.platform import Platform
from tonevault.desk.platforms.none import NoPlatform
from tonevault.desk.platforms.webhook import WebhookPlatform
from tonevault.desk.secure_zone import HttpSecureZone
from tonevault.desk.services import DeskServices, make_services
from tonevault.desk.sessions.policy import CapturePolicy, PolicyOf
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.settings import SettingsError

DEFAULT_CURRENCY: Final = "GBP"
DEFAULT_TIME_ZONE: Final = "UTC"


async def run_desk(settings: TonevaultSettings) -> None:
    """Serve until SIGTERM. Raises SettingsError when the process cannot start as it is configured."""
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    where = places(settings)
    prepare_boundary(where)
    async with AsyncExitStack() as stack:
        database = open_desk_database(where)
        stack.push_async_callback(database.close)
        zone = HttpSecureZone.on_unix_socket(where.socket, boundary_token(settings, where))
        stack.push_async_callback(zone.close)
        services = make_services(
            database,
            zone,
            platform=_platform(settings, stack),
            clock=WallClock(),
            entropy=SYSTEM_ENTROPY,
            secret=read_secret(where.desk_pepper),
            secure_cookies=(settings.desk.public_url or "").startswith("https://"),
            policy_of=_policies(settings),
        )
        await ensure_accounts(services.people, settings.accounts)
        await _serve(settings, services, stopping)


def _platform(settings: TonevaultSettings, stack: AsyncExitStack) -> Platform:
    """Who pauses recordings: the configured webhook, or nobody, because what is recorded behind the edge is masked."""
    url, secret = settings.desk.recording_webhook, settings.desk.recording_webhook_secret
    if url is None or secret is None:
        return NoPlatform()
    try:
        webhook = WebhookPlatform(url, secret.get_secret_value(), WallClock(), SYSTEM_ENTROPY)
    except ValueError as error:
        raise SettingsError([f"desk.recording_webhook_secret: {error}"]) from None
    stack.push_async_callback(webhook.close)
    return webhook


def make_app(settings: TonevaultSettings, services: DeskServices) -> FastAPI:
    """The desk's web application with API and panel."""
    app = create_api(services, _time_zones(settings), _charged_in(settings))
    mount_panel(
        app,
        services,
        WallClock(),
        SYSTEM_ENTROPY,
        currency_of=_currencies(settings),
        fields_of=_fields(settings),
    )
    return app


async def _serve(settings: TonevaultSettings, services: DeskServices, stopping: asyncio.Event) -> None:
    host, _, port = settings.desk.listen.rpartition(":")
    server = WebServer(make_app(settings, services), host.strip("[]"), int(port), "desk.listen")
    background = [asyncio.create_task(services.ingest.run()), asyncio.create_task(services.sweeper.run())]
    serving = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, waiting, *background}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.stop()
        for task in (*background, waiting):
            task.cancel()
        await asyncio.gather(*background, waiting, return_exceptions=True)
        await serving


def _currencies(settings: TonevaultSettings) -> Callable[[AccountId], str]:
    by_account = {account.id: account.currency for account in settings.accounts}
    return lambda account_id: by_account.get(account_id, DEFAULT_CURRENCY)


def _charged_in(settings: TonevaultSettings) -> CurrenciesOf:
    """Braintree has a merchant account for each currency; what others take, they say themselves."""
    named = {
        account.id: frozenset(account.braintree.merchant_accounts)
        for account in settings.accounts
        if account.gateway == "braintree"
    }
    return named.get


def _time_zones(settings: TonevaultSettings) -> Callable[[AccountId], str]:
    by_account = {account.id: account.time_zone for account in settings.accounts}
    return lambda account_id: by_account.get(account_id, DEFAULT_TIME_ZONE)


def _policies(settings: TonevaultSettings) -> PolicyOf:
    fields_of = _fields(settings)
    brands = {account.id: account.brands for account in settings.accounts}
    verifying = {account.id: account.currency for account in settings.accounts if account.verify_cards}
    return lambda account_id: CapturePolicy(
        fields_of(account_id), brands.get(account_id, tuple(Brand)), verifying.get(account_id)
    )


def _fields(settings: TonevaultSettings) -> Callable[[AccountId], tuple[FieldName, ...]]:
    plain = (FieldName.CARD_NUMBER, FieldName.EXPIRY, FieldName.SECURITY_CODE)
    with_postal_code = {account.id for account in settings.accounts if account.postal_code}
    return lambda account_id: (*plain, FieldName.POSTAL_CODE) if account_id in with_postal_code else plain
