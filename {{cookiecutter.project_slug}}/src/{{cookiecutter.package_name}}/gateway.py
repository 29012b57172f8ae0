"""Gateway: what each request passes before anything of it is read.

Who does not show the token is turned away first; then who sends too much. Every answer is counted,
and how a request for predictions ended is written down for the monitors.
"""

from __future__ import annotations

import hmac
import logging
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import calls, metrics
from .journal import Journal

MAX_BODY = 1024 * 1024
# What probes and Prometheus ask; it says nothing about anybody. The network policy of the
# deployment keeps it inside.
OPEN = ("/health", "/ready", "/metrics")
PREDICT = "/predict"
PATHS = (*OPEN, PREDICT, "/openapi.json")

_log = logging.getLogger(__name__)


class Gateway:
    """Wraps the application (ASGI)."""

    def __init__(self, app: ASGIApp, token: str, journal: Journal) -> None:
        self.app = app
        self.journal = journal
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = perf_counter(), "500"

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        refusal = self._refusal(scope)
        try:
            if refusal is not None:
                await refusal(scope, receive, counted)
            else:
                await self.app(scope, _limited(receive), counted)
        finally:
            path = scope["path"] if scope["path"] in PATHS else "other"
            metrics.REQUESTS.labels(path, status).inc()
            metrics.SECONDS.labels(path).observe(perf_counter() - began)
            # A stranger who is turned away says nothing about the service.
            if path == PREDICT and refusal is None:
                self._keep(int(status))

    def _keep(self, status: int) -> None:
        """Write down how a request ended; where that is not possible, the counters still say it."""
        try:
            self.journal.append([calls.record(status)])
        except OSError as error:
            metrics.FAILURES.labels("call_log").inc()
            _log.error("the log of calls cannot be written: %s", error)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = dict(scope["headers"])
        if scope["path"] not in OPEN and not hmac.compare_digest(
            headers.get(b"authorization", b""), self._expected
        ):
            return JSONResponse(
                {"error": "show the token: Authorization: Bearer ..."},
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > MAX_BODY:
            return JSONResponse({"error": _TOO_LARGE}, 413)
        return None


_TOO_LARGE = f"a body has at most {MAX_BODY:,} bytes"


def _limited(receive: Receive) -> Receive:
    """Return ``receive``, which stops a body that is longer than it may be or said it were."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return limited
