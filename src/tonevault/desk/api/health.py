"""`/health`: for supervisors and load balancers. Tells nothing about any account."""

from dataclasses import dataclass

from fastapi import APIRouter, Response

from tonevault.desk.link import SecureLink
from tonevault.desk.web.answer import answer


@dataclass(frozen=True, slots=True)
class Health:
    """`status` is `ok` while the desk answers; `secure_zone` is `up` or `down`."""

    status: str
    secure_zone: str


def health_routes(link: SecureLink) -> APIRouter:
    """The route of health."""
    router = APIRouter(tags=["health"])

    @router.get("/health", response_model=Health)
    async def get_health() -> Response:
        """Whether the desk answers, and whether the secure zone does. Needs no key."""
        return answer(Health("ok", "up" if link.is_up else "down"))

    return router
