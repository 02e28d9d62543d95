"""The secure process: edge, capture, vault, cashier and the narrow interface, put together and taken down in order."""

import asyncio
import gc
import os
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from tonevault.app.capacity import require_capacity
from tonevault.app.compiled_doctor import ear_findings, relay_findings, require
from tonevault.app.edge_settings import edge_settings, relay_settings, require_own_address
from tonevault.app.embedded import Places, boundary_token, places, prepare_boundary
from tonevault.app.gateways import GatewayOpener
from tonevault.app.key_custody import ready_custody
from tonevault.app.secure_database import open_secure_database
from tonevault.app.settings import TonevaultSettings
from tonevault.app.stop_wish import StopWish
from tonevault.app.supervisor import TEMPORARY_EXIT
from tonevault.app.webhook_listener import serve_webhooks
from tonevault.boundary.notices import OperationChanged, ReconciliationChanged, TokenChanged
from tonevault.cde.audit.anchor_file import AnchorFile
from tonevault.cde.audit.chain import Chains
from tonevault.cde.capture.finisher import Finisher
from tonevault.cde.capture.service import CaptureService
from tonevault.cde.capture.store import SqlCaptureStore
from tonevault.cde.charging.completion import Completion
from tonevault.cde.charging.service import Cashier
from tonevault.cde.edge.relay.controller import RelayPlane
from tonevault.cde.edge.server import EdgeServer
from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.will_files import WillFiles
from tonevault.cde.gateway import Gateway
from tonevault.cde.interface.app import BoundaryApp
from tonevault.cde.interface.server import BoundaryServer, SocketTakenError
from tonevault.cde.interface.zone import LocalSecureZone
from tonevault.cde.key_custody import KeyCustodyError, KeyCustodyUnavailableError
from tonevault.cde.keys.custody_watch import CustodyWatch
from tonevault.cde.media import MediaUnavailableError
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.settings import SettingsError
from tonevault.plumbing.sql import Database

COLLECT_AFTER: Final = (5_000, 10, 1_000)
"""Objects more than before until the young ones are looked at (those of some eighty calls), such rounds until those that were left
are (some 15 ms), and such until all are: at 250 calls a second once in an hour. Python's own figures have all of them looked at every few
seconds, every transaction of the last half minute included, and no message is answered meanwhile."""

log = get_logger(__name__)


async def run_secure(settings: TonevaultSettings) -> None:
    """Serve until SIGTERM. Raises SettingsError when the process cannot start as it is configured.

    Exits with TEMPORARY_EXIT when it may start a little later just as it is.
    """
    wish = StopWish()
    wish.listen()
    require_capacity(settings.secure)
    require([*ear_findings(), *relay_findings()])
    where = places(settings)
    prepare_boundary(where)
    try:
        async with AsyncExitStack() as stack:
            sweeping, edge = await _start(settings, where, stack)
            waiting = asyncio.create_task(wish.asked.wait())
            await asyncio.wait({sweeping, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if sweeping.done():
                sweeping.result()
            await _drain(edge, wish, settings.secure.drain_s)
    except ListenerError as error:
        raise SettingsError([f"secure.sip.listen: {error}"]) from None
    except KeyCustodyUnavailableError as error:
        log.error("the secure zone cannot start while the key custody does not answer", error=str(error))  # noqa: TRY400
        raise SystemExit(TEMPORARY_EXIT) from None
    except (MediaUnavailableError, SocketTakenError, KeyCustodyError) as error:
        raise SettingsError([f"secure: {error}"]) from None


async def _drain(edge: EdgeServer, wish: StopWish, patience_s: int) -> None:
    """Let calls end by themselves before everything is taken down, if that was configured; captures and charges go on meanwhile."""
    if patience_s and edge.switch.has_unfinished:
        log.info("no new calls are taken; waiting for the last to end", patience_s=patience_s)
        done = await wish.patiently(edge.drain(), patience_s)
        log.info("every call has ended" if done else "the calls that are left are hung up")


async def _start(
    settings: TonevaultSettings, where: Places, stack: AsyncExitStack
) -> "tuple[asyncio.Task[None], EdgeServer]":
    """Start from the ground up; the stack takes down in the opposite order. Answers the cashier's sweep, and the edge."""
    edge_config, relay_config = edge_settings(settings.secure), relay_settings(settings.secure)
    require_own_address(settings.secure.media)
    clock = WallClock()
    database = open_secure_database(where)
    _hold_audit_heads(where, database, stack)
    stack.push_async_callback(database.close)
    custody = await ready_custody(settings.secure.keys, where, database)
    stack.callback(asyncio.create_task(CustodyWatch(custody).run()).cancel)
    vault = Vault(database, custody)
    gateways = _gateways(settings, where, clock, stack)
    captures: CaptureService
    cashier = Cashier(
        database,
        vault,
        gateways,
        clock,
        # The service is made below, on top of the cashier; no charge changes before both are there.
        on_change=lambda charge: captures.charge_changed(charge),  # noqa: PLW0108
        on_operation=lambda done: captures.board.publish(OperationChanged(operation=done)),
        on_token=lambda token: captures.board.publish(TokenChanged(token=token)),
        unused_for=_unused_limits(settings),
        on_reconciled=lambda view: captures.board.publish(ReconciliationChanged(reconciliation=view)),
    )
    stack.push_async_callback(cashier.close)
    captures = CaptureService(
        finisher=Finisher(Completion(vault, cashier, clock), cashier, vault, clock),
        store=SqlCaptureStore(database),
        clock=clock,
        hushed_routes=[route.name for route in settings.secure.routes if route.mask == "hush"],
    )
    edge = EdgeServer(
        edge_config,
        relays=RelayPlane(relay_config),
        observer=captures.observer,
        clock=clock,
        entropy=SYSTEM_ENTROPY,
        wills=WillFiles(where.secure_dir / "calls"),
    )
    captures.attach(edge.switch)
    await cashier.recover()
    await captures.recover()
    zone = LocalSecureZone(captures=captures, cashier=cashier, vault=vault, clock=clock)
    interface = BoundaryServer(BoundaryApp(zone, boundary_token(settings, where)), where.socket)
    await edge.start()
    stack.push_async_callback(edge.stop)
    await interface.start()
    stack.push_async_callback(interface.stop)
    stack.push_async_callback(captures.close)
    await serve_webhooks(settings.secure.webhooks, cashier.hints, stack)
    sweeping = asyncio.create_task(cashier.run())
    stack.callback(sweeping.cancel)
    _settle_memory()
    for listener, port in edge.addresses():
        log.info("SIP listens", transport=listener.transport.value, host=listener.host, port=port)
    return sweeping, edge


def _settle_memory() -> None:
    """What the start has made lives as long as the process: the collector need not look at it again, nor pause calls for it.

    A call makes some thousand objects and hardly a cycle, so what lives for a while need not be looked at soon.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _hold_audit_heads(where: Places, database: Database, stack: AsyncExitStack) -> None:
    """Where this node's audit chains stand is held outside their database too, from the first entry to the last."""
    anchor = AnchorFile(where.audit_heads)
    database.at_commit(Chains(anchor=anchor))
    stack.callback(anchor.close)


def _gateways(
    settings: TonevaultSettings, where: Places, clock: WallClock, stack: AsyncExitStack
) -> dict[AccountId, Gateway]:
    gateways = GatewayOpener(where, clock, os.environ).open_all(settings.accounts)
    for gateway in set(gateways.values()):
        stack.push_async_callback(gateway.close)
    return gateways


def _unused_limits(settings: TonevaultSettings) -> dict[AccountId, timedelta]:
    """How long each account's tokens may go uncharged."""
    return {
        AccountId(account.id): timedelta(days=account.token_unused_days)
        for account in settings.accounts
        if account.token_unused_days is not None
    }
