"""Service: predictions over HTTP, from the release in force or the fallback rule.

    POST /predict       {"rows": [{feature: value, …}, …]} or {"keys": [{key: value}, …]}
    GET  /health        the process lives
    GET  /ready         it can answer; who answers, and why if that is a rule
    GET  /metrics       for Prometheus
    GET  /openapi.json  the form of requests and answers

Where people have to consent, each row names whom it is about, and whoever did not consent by the
time of the last `nox -s features` is answered with what everybody is shown; nothing is scored.

Answers are made one after another, in a thread of their own: they keep Python busy anyway, and
probes stay quick. Each is in the log of decisions before the caller sees it. More throughput takes
more processes, each with its own files and metrics.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from itertools import compress
from time import perf_counter
from typing import Any

import pandas as pd
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from threadpoolctl import threadpool_limits

from . import (
    answering,
    breaker,
    calls,
    decisions,
    feature_store,
    gateway,
    inputs,
    limits,
    metrics,
    privacy,
    review,
)
from .answering import Answerer, Instead
from .errors import RefusedError
from .journal import Journal
from .settings import Settings

TOKEN = "SERVING_TOKEN"  # noqa: S105, the name of a variable
SHORTEST_TOKEN = 32
BODY_SECONDS = 10
SHUTDOWN_SECONDS = 20
MAX_CONNECTIONS = 500
MAX_PROBLEMS = 20

_log = logging.getLogger(__name__)


class Server:
    """Who answers now, kept ready, and the log of what was answered."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = decisions.Log(settings)
        self.online = feature_store.Online(settings)
        self.person = privacy.named_by(settings)
        self._seen = answering.signature(settings)
        self.answerer = self._load()

    def current(self) -> Answerer:
        """Return who answers now; a rollback or the breaker takes effect with the next request."""
        seen = answering.signature(self.settings)
        if seen != self._seen:
            self.answerer, self._seen = self._load(), seen
        return self.answerer

    def predict(self, given: Any, began: float) -> dict[str, Any]:
        """Answer rows, or those that have the given keys, and write that down."""
        asked = given.keys if given.rows is None else given.rows
        consents = self.online.consents()
        may = [
            consents is None or str(getattr(each, str(self.person))) in consents.agreed
            for each in asked
        ]
        answerer, scored = self._score(given, [*compress(asked, may)], began)
        told = None if consents is None else consents.instead
        left = [] if told is None else self._tell(told, asked, may, answerer, began)
        scores, others = iter(scored), iter(left)
        if told is not None and not scored:
            name, served_by = told.name, answering.FALLBACK
        else:
            name, served_by = answerer.name, answerer.served_by
        return {
            "model": self.settings.model,
            "version": name,
            "served_by": served_by,
            "predictions": [_scored(next(scores)) if one else _told(next(others)) for one in may],
        }

    def _score(
        self, given: Any, asked: list[Any], began: float
    ) -> tuple[Answerer, list[dict[str, Any]]]:
        """Return who answers, and the records of the answers to those that may be scored."""
        answerer = self.current()
        if not asked:
            return answerer, []
        if given.rows is None:
            rows = self.online.rows([dict(key) for key in asked])
        else:
            rows = inputs.frame(asked, self.settings)
        answered, answers = answering.answer(self.settings, answerer, rows)
        if answered is not answerer:
            metrics.FAILURES.labels("model").inc()
        with _recorded():
            records = self.log.write(
                answered, rows, answers, decision_type=given.decision_type,
                latency_ms=1000 * (perf_counter() - began),
            )  # fmt: skip
        metrics.PREDICTIONS.labels(answered.served_by, answered.name).inc(len(records))
        return answered, records

    def _tell(
        self, told: Instead, asked: list[Any], may: list[bool], answerer: Answerer, began: float
    ) -> list[dict[str, Any]]:
        """Return the records of those who did not consent; nothing but their keys is read."""
        names = [
            {key: getattr(each, key) for key in self.settings.keys}
            for each, one in zip(asked, may, strict=True)
            if not one
        ]
        if not names:
            return []
        entities = decisions.entities(pd.DataFrame(names), self.settings.keys)
        with _recorded():
            records = self.log.write_instead(
                answerer, told, entities, latency_ms=1000 * (perf_counter() - began)
            )
        metrics.PREDICTIONS.labels(answering.FALLBACK, told.name).inc(len(records))
        return records

    def ready(self) -> dict[str, Any]:
        """Return who answers, and why if that is a rule."""
        answerer = self.current()
        self.online.consents()  # nobody can be answered before they are published
        return {
            "served_by": answerer.served_by,
            "version": answerer.name,
            "why": answerer.why,
            "breaker": "open" if self._is_open(answerer) else "closed",
        }

    def _load(self) -> Answerer:
        answerer = answering.now(self.settings)
        if answerer.why:
            _log.warning("%s answers: %s", answerer.name, answerer.why)
        metrics.RELEASE.clear()
        metrics.RELEASE.labels(answerer.released or "none").set(1)
        metrics.FALLBACK.set(answerer.served_by == answering.FALLBACK)
        metrics.BREAKER_OPEN.set(self._is_open(answerer))
        return answerer

    def _is_open(self, answerer: Answerer) -> bool:
        released = answerer.released
        return released is not None and breaker.opened(self.settings, released) is not None


@contextmanager
def _recorded() -> Iterator[None]:
    """Refuse to answer if the answer cannot be written down."""
    try:
        yield
    except OSError as error:
        metrics.FAILURES.labels("decision_log").inc()
        _log.error("the log of decisions cannot be written: %s", error)
        raise HTTPException(503, "the answer cannot be recorded, so it is not given") from None


def _scored(record: dict[str, Any]) -> dict[str, Any]:
    """Return what a caller gets of a record."""
    return {
        "record_id": record["record_id"],
        "value": record["outcome"],
        "reviewer": record["reviewer"],
    }


def _told(record: dict[str, Any]) -> dict[str, Any]:
    """Return the same of somebody who was not scored: no value, but why, and what is shown."""
    return {
        **_scored(record),
        "value": None,
        "served_by": record["served_by"],
        "why": record["why"],
        "shown": record["outcome"],
    }


def create(settings: Settings, token: str) -> FastAPI:
    """Return the application; whoever shows the token may ask it."""
    server = Server(settings)
    limits.show(settings)
    ended = Journal(calls.folder(settings))
    wanted = inputs.request_model(settings)
    # Numbers are added on one thread here too: the answers are those of the evaluation, and small
    # models gain nothing by more. OpenMP wants to be told in the thread that computes.
    worker = ThreadPoolExecutor(1, initializer=threadpool_limits, initargs=(1,))

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.shutdown(wait=True)
        server.log.journal.close()
        ended.close()

    app = FastAPI(
        title=settings.model, version=settings.features_reference, lifespan=life,
        docs_url=None, redoc_url=None,
        exception_handlers={HTTPException: _http, RefusedError: _refused, Exception: _bug},
    )  # fmt: skip
    app.add_middleware(gateway.Gateway, token=token, journal=ended)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Say that the process lives."""
        return {"status": "alive"}

    @app.get("/ready")
    async def ready() -> dict[str, Any]:
        """Say who answers; a rule is an answer too."""
        return await asyncio.get_running_loop().run_in_executor(worker, server.ready)

    @app.get("/metrics")
    async def shown() -> Response:
        """Show all metrics."""
        reviewed, overridden = review.rates(settings)
        metrics.REVIEWED.set(reviewed)
        metrics.OVERRIDDEN.set(overridden)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    body = {"content": {"application/json": {"schema": wanted.model_json_schema()}}}

    @app.post("/predict", openapi_extra={"requestBody": body})
    async def predict(request: Request) -> JSONResponse:
        """Answer rows of features, or the rows of the feature store that have these keys."""
        began = perf_counter()
        try:
            async with asyncio.timeout(BODY_SECONDS):
                given: Any = wanted.model_validate_json(await request.body())
        except TimeoutError:
            raise HTTPException(408, f"the body did not come within {BODY_SECONDS} s") from None
        except ValidationError as error:
            return _invalid(error)
        return JSONResponse(
            await asyncio.get_running_loop().run_in_executor(worker, server.predict, given, began)
        )

    return app


def _invalid(error: ValidationError) -> JSONResponse:
    """Say what is wrong with a body, and where; what was sent is not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    kinds = {each["type"] for each in found}
    if "json_invalid" in kinds:
        return JSONResponse({"error": f"the body is no JSON: {found[0]['msg']}"}, 400)
    if "too_long" in kinds and len(found) == 1 and len(found[0]["loc"]) == 1:
        return JSONResponse({"error": f"a request has at most {inputs.MAX_ROWS} rows"}, 413)
    problems = [
        {"where": ".".join(map(str, each["loc"])) or "body", "what": each["msg"]}
        for each in found[:MAX_PROBLEMS]
    ]
    more = len(found) - len(problems)
    said = {"error": "the rows are not as the feature view declares them", "problems": problems}
    return JSONResponse({**said, **({"more": more} if more else {})}, 422)


async def _http(_: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code)


async def _refused(_: Request, error: RefusedError) -> JSONResponse:
    is_unknown = isinstance(error, feature_store.UnknownError)
    return JSONResponse({"error": str(error)}, 404 if is_unknown else 503)


async def _bug(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"error": "this went wrong here; the log has more"}, 500)


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until somebody ends it; requests that have begun are answered first."""
    token = os.environ.get(TOKEN, "")
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise RefusedError(
            f"the service needs a secret of at least {SHORTEST_TOKEN} characters in the variable "
            f"{TOKEN} of the environment, and callers show it as a bearer token: "
            f"export {TOKEN}=\"$(python -c 'import secrets; print(secrets.token_urlsafe(32))')\""
        )
    app = create(settings, token)
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False,
        limit_concurrency=MAX_CONNECTIONS, timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )  # fmt: skip
