"""Puts the panel on the desk's web application: pages, static files, and the services behind them."""

from collections.abc import Callable

from fastapi import FastAPI

from tonevault.boundary.captures import FieldName
from tonevault.desk.panel.log_in import log_in_routes
from tonevault.desk.panel.reader import PanelReader
from tonevault.desk.panel.routes import panel_routes
from tonevault.desk.panel.static_files import PanelFiles
from tonevault.desk.services import DeskServices
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy


def mount_panel(
    app: FastAPI,
    services: DeskServices,
    clock: Clock,
    entropy: Entropy,
    *,
    currency_of: Callable[[AccountId], str],
    fields_of: Callable[[AccountId], tuple[FieldName, ...]],
) -> None:
    """`currency_of` is what an account's panel offers first; `fields_of` which fields it captures."""
    reader = PanelReader(
        services.calls, services.sessions, services.events, lambda: services.link.is_up, currency_of
    )
    app.include_router(log_in_routes(services.log_ins, services.guard))
    app.include_router(
        panel_routes(
            reader=reader,
            calls=services.calls,
            sessions=services.sessions,
            guard=services.guard,
            fields_of=fields_of,
            clock=clock,
            entropy=entropy,
        )
    )
    app.mount("/panel/static", PanelFiles(), name="panel-static")
