"""The FastAPI application: routes, problem documents, limits and headers. Telemetry is off: it would record failed requests."""

from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from tonevault.desk.api.body_limit import BodyLimit
from tonevault.desk.api.docs_page import docs_routes
from tonevault.desk.api.fault_barrier import FaultBarrier
from tonevault.desk.api.headers import SafeHeaders
from tonevault.desk.api.health import health_routes
from tonevault.desk.api.openapi import describe
from tonevault.desk.calls.routes import call_routes
from tonevault.desk.customers.routes import customer_routes
from tonevault.desk.events.routes import event_routes
from tonevault.desk.idempotency.header import Idempotency
from tonevault.desk.payments.charge_routes import charge_routes, refund_routes
from tonevault.desk.payments.currencies import CurrenciesOf, every_currency
from tonevault.desk.payments.routes import token_routes
from tonevault.desk.people.door import Door
from tonevault.desk.people.routes import people_routes
from tonevault.desk.reconciliations.routes import reconciliation_routes
from tonevault.desk.schedules.policy import TimeZoneOf, utc_everywhere
from tonevault.desk.schedules.routes import schedule_routes
from tonevault.desk.services import DeskServices
from tonevault.desk.sessions.routes import replacement_routes, session_routes
from tonevault.desk.splits.routes import split_routes
from tonevault.desk.web import problem


def create_api(
    services: DeskServices,
    time_zone_of: TimeZoneOf = utc_everywhere,
    currencies_of: CurrenciesOf = every_currency,
) -> FastAPI:
    """The API under /v1, /openapi.json, /docs and /health. Pages of the panel are added by whoever wires the process."""
    app = FastAPI(
        title="Tonevault",
        version=version("tonevault"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    problem.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(FaultBarrier)
    app.add_middleware(SafeHeaders)
    for room in _rooms(services, time_zone_of, currencies_of):
        # Each straight into the application: FastAPI builds every route anew for each router that it is passed through.
        app.include_router(room, prefix="/v1")
    app.include_router(health_routes(services.link))
    app.include_router(docs_routes(app))
    describe(app)
    return app


def _rooms(services: DeskServices, time_zone_of: TimeZoneOf, currencies_of: CurrenciesOf) -> list[APIRouter]:
    door = Door(services.guard, Idempotency(services.idempotency))
    return [
        call_routes(services.calls, door),
        session_routes(services.sessions, door, currencies_of),
        customer_routes(services.customers, door),
        token_routes(services.tokens, door),
        replacement_routes(services.sessions, door),
        charge_routes(services.charges, services.operations, door, currencies_of),
        refund_routes(services.operations, door),
        schedule_routes(services.schedules, door, time_zone_of, currencies_of),
        split_routes(services.splits, door, currencies_of),
        reconciliation_routes(services.reconciliations, door),
        event_routes(services.events, services.guard),
        people_routes(services.people, services.guard, door),
    ]
