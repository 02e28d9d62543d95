"""The log-in page, by password or by one-time link, and the way out."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from tonevault.desk.panel.pages import page
from tonevault.desk.people.guard import COOKIE, Guard
from tonevault.desk.people.log_ins import TICKET_SPENT, LogInService
from tonevault.desk.people.secret import SecretKind, read_secret
from tonevault.desk.refusal import Refusal
from tonevault.kernel.ids import AccountId


def log_in_routes(log_ins: LogInService, guard: Guard) -> APIRouter:
    """The only pages that are open to everybody."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def form(ticket: str = "") -> Response:
        if not ticket:
            return page("log_in.html", {"error": "", "asks_account": False})
        if read_secret(ticket, SecretKind.TICKET) is None:
            # Only what has a ticket's form is written into a page: an address can hold a card number.
            return page("log_in.html", {"error": TICKET_SPENT, "asks_account": False}, 401)
        # The page posts the ticket: a mail scanner or a preview that only fetches the link must not spend it.
        return page("ticket.html", {"ticket": ticket})

    @router.post("/login")
    async def log_in(request: Request) -> Response:
        fields = await request.form()
        address = request.client.host if request.client is not None else ""
        try:
            _require_own_page(request)
            if fields.get("ticket"):
                logged_in = await log_ins.redeem(str(fields["ticket"]))
            else:
                account = str(fields.get("account", "")).strip()
                logged_in = await log_ins.log_in(
                    str(fields.get("login", "")),
                    str(fields.get("password", "")),
                    address,
                    AccountId(account) if account else None,
                )
        except Refusal as refusal:
            asks_account = refusal.code == "account_required" or bool(fields.get("account"))
            shown = {"error": refusal.detail, "asks_account": asks_account}
            return page("log_in.html", shown, refusal.status)
        response = RedirectResponse("/panel", 303)
        guard.set_cookie(response, logged_in.secret)
        return response

    @router.post("/logout")
    async def log_out(request: Request) -> Response:
        principal = await guard.find(request)
        response = RedirectResponse("/login", 303)
        if principal is not None:
            fields = await request.form()
            guard.require_csrf(principal, str(fields.get("csrf_token", "")))
            await log_ins.log_out(request.cookies.get(COOKIE, ""))
            guard.clear_cookie(response)
        return response

    return router


def _require_own_page(request: Request) -> None:
    """Refuse a log-in that another site sends in a browser's name: its owner would take payments into a stranger's account."""
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise Refusal(403, "cross_site_log_in", "Another site asked for this log-in. Log in here.")
