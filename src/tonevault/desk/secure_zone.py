"""The secure zone as the desk reaches it: the boundary's port over HTTP. It retries nothing; whoever asks knows what may be repeated."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx
from pydantic import ValidationError

from tonevault.boundary import interface
from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import CaptureRequest, CaptureRetry, CaptureView, FieldName
from tonevault.boundary.charges import ChargeRequest, ChargeResult
from tonevault.boundary.message import Message
from tonevault.boundary.notices import NOTICE, Notice
from tonevault.boundary.operations import OperationRequest, OperationResult
from tonevault.boundary.problems import Problem, SecureZoneError, SecureZoneUnreachableError
from tonevault.boundary.reconciliations import (
    DIFFERENCES,
    Difference,
    ReconciliationRequest,
    ReconciliationView,
)
from tonevault.boundary.tokens import TokenView
from tonevault.desk.socket_transport import SocketTransport
from tonevault.kernel.ids import AccountId, CallId, ChargeId, OperationId, SessionId, TokenId

M = TypeVar("M", bound=Message)

CONNECT_LIMIT_S: Final = 2.0
"""A Unix socket connects at once or not at all; over TCP this bridges one lost SYN."""
IDLE_CONNECTION_S: Final = 60.0
"""Half of what the server keeps an idle connection open."""
MAX_CONNECTIONS: Final = 192
"""Requests at once; more wait for a free connection as long as for an answer."""
MAX_LINE_BYTES: Final = 65_536
"""The longest notice is a capture view of about 2 kB."""

_LIMITS: Final = httpx.Timeout(interface.ANSWER_LIMIT_S, connect=CONNECT_LIMIT_S)
_STREAM_LIMITS: Final = httpx.Timeout(interface.SILENCE_LIMIT_S, connect=CONNECT_LIMIT_S)


class HttpSecureZone:
    """Implements SecureZone. The client that is given carries address and credentials; `close` closes it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @classmethod
    def on_unix_socket(cls, path: Path, token: str) -> Self:
        """The secure process of this machine; `token` is the secret that both zones share."""
        return cls(
            httpx.AsyncClient(
                transport=SocketTransport(path, max_connections=MAX_CONNECTIONS, idle_s=IDLE_CONNECTION_S),
                base_url="http://secure-zone",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_LIMITS,
                trust_env=False,
            )
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def is_up(self) -> bool:
        """Whether the secure process answers at all."""
        try:
            return (await self._client.get(interface.HEALTH)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def calls(self) -> list[CallView]:
        """See SecureZone."""
        content = await self._ask("GET", interface.CALLS)
        try:
            return interface.CALL_LIST.validate_json(content)
        except ValidationError:
            raise _not_understood() from None

    async def open_capture(self, request: CaptureRequest) -> CaptureView:
        """See SecureZone."""
        return await self._ask_for(CaptureView, "POST", interface.CAPTURES, request)

    async def capture(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        return await self._ask_for(CaptureView, "GET", interface.capture_path(session_id))

    async def start_field(self, session_id: SessionId, field: FieldName) -> CaptureView:
        """See SecureZone."""
        return await self._ask_for(CaptureView, "POST", interface.start_field_path(session_id, field))

    async def complete(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        return await self._ask_for(CaptureView, "POST", interface.complete_path(session_id))

    async def retry(self, session_id: SessionId, retry: CaptureRetry) -> CaptureView:
        """See SecureZone."""
        return await self._ask_for(CaptureView, "POST", interface.retry_path(session_id), retry)

    async def cancel(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        return await self._ask_for(CaptureView, "POST", interface.cancel_path(session_id))

    async def set_hush(self, call_id: CallId, *, on: bool) -> CallView:
        """See SecureZone."""
        request = interface.HushRequest(on=on)
        return await self._ask_for(CallView, "POST", interface.hush_path(call_id), request)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See SecureZone."""
        return await self._ask_for(ChargeResult, "POST", interface.CHARGES, request)

    async def charge_result(self, account_id: AccountId, charge_id: ChargeId) -> ChargeResult:
        """See SecureZone."""
        return await self._ask_for(ChargeResult, "GET", interface.charge_path(account_id, charge_id))

    async def operate(self, request: OperationRequest) -> OperationResult:
        """See SecureZone."""
        return await self._ask_for(OperationResult, "POST", interface.OPERATIONS, request)

    async def operation(self, account_id: AccountId, operation_id: OperationId) -> OperationResult:
        """See SecureZone."""
        return await self._ask_for(OperationResult, "GET", interface.operation_path(account_id, operation_id))

    async def token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """See SecureZone."""
        return await self._ask_for(TokenView, "GET", interface.token_path(account_id, token_id))

    async def revoke_token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """See SecureZone."""
        return await self._ask_for(TokenView, "POST", interface.revoke_path(account_id, token_id))

    async def reconcile(self, request: ReconciliationRequest) -> ReconciliationView:
        """See SecureZone."""
        return await self._ask_for(ReconciliationView, "POST", interface.RECONCILIATIONS, request)

    async def reconciliation(self, account_id: AccountId, reconciliation_id: str) -> ReconciliationView:
        """See SecureZone."""
        path = interface.reconciliation_path(account_id, reconciliation_id)
        return await self._ask_for(ReconciliationView, "GET", path)

    async def differences(
        self, account_id: AccountId, reconciliation_id: str, after: int
    ) -> list[Difference]:
        """See SecureZone."""
        content = await self._ask("GET", interface.differences_path(account_id, reconciliation_id, after))
        try:
            return DIFFERENCES.validate_json(content)
        except ValidationError:
            raise _not_understood() from None

    @asynccontextmanager
    async def notices(self) -> AsyncIterator[AsyncIterator[Notice]]:
        """See SecureZone. The stream ends by raising SecureZoneUnreachableError, when it breaks or falls silent."""
        try:
            async with self._client.stream("GET", interface.NOTICES, timeout=_STREAM_LIMITS) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refusal(response.status_code, await response.aread())
                yield _read_notices(response)
        except httpx.TransportError:
            raise _unreachable() from None

    async def _ask_for(self, kind: type[M], method: str, path: str, request: Message | None = None) -> M:
        content = await self._ask(method, path, request)
        try:
            return kind.model_validate_json(content)
        except ValidationError:
            raise _not_understood() from None

    async def _ask(self, method: str, path: str, request: Message | None = None) -> bytes:
        body = None if request is None else request.model_dump_json()
        headers = {} if request is None else {"Content-Type": "application/json"}
        try:
            response = await self._client.request(method, path, content=body, headers=headers)
        except httpx.TransportError:
            raise _unreachable() from None
        if response.status_code != httpx.codes.OK:
            raise _refusal(response.status_code, response.content)
        return response.content


async def _read_notices(response: httpx.Response) -> AsyncIterator[Notice]:
    waiting = b""
    try:
        async for part in response.aiter_raw():
            *lines, waiting = (waiting + part).split(b"\n")
            for line in lines:
                yield NOTICE.validate_json(line)
            if len(waiting) > MAX_LINE_BYTES:
                raise _not_understood()
    except httpx.TransportError:
        raise _unreachable() from None
    except ValidationError:
        raise _not_understood() from None
    raise _unreachable()


def _refusal(status: int, content: bytes) -> SecureZoneError | SecureZoneUnreachableError:
    try:
        problem = Problem.model_validate_json(content)
    except ValidationError:
        return _not_understood()
    return SecureZoneError(status, problem.code, problem.detail)


def _unreachable() -> SecureZoneUnreachableError:
    return SecureZoneUnreachableError("the secure zone does not answer; see whether its process runs")


def _not_understood() -> SecureZoneUnreachableError:
    return SecureZoneUnreachableError(
        "what answers is not the secure zone of this version; run the same version of both"
    )
