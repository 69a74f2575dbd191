"""SageMaker's container contract over HTTP: `/ping`, `/invocations`, the multi-model interface."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from socialnlp_assets.serving import errors, headers
from socialnlp_assets.serving.handler import BadModel
from socialnlp_assets.serving.openapi import LOAD, MODEL, MODELS, RESULTS, TEXTS, described, document
from socialnlp_assets.serving.repository import AlreadyLoaded, ModelRepository
from socialnlp_assets.serving.worker import Worker
from socialnlp_assets.tasks import BadInput, reply_body, request_body

log = logging.getLogger(__name__)

MOST_TRANSFORM = 100  # megabytes of a batch transform's requests in flight, by SageMaker's rule


@dataclass(frozen=True)
class Limits:
    """What one server takes on."""

    threads: int
    payload: int = 6 * 2**20  # bytes of a body
    requests: int = 32  # waiting or running
    body_seconds: float = 60  # for a body to arrive
    transforms: int = 2  # requests that batch transform has in flight: one runs while the next is read


class ModelServer:
    """The routes and the state behind them; an ASGI application.

    `folder` is loaded once the application starts; without one, models come by `POST /models` from below
    `loadable`.
    """

    def __init__(self, folder: Path | None, limits: Limits, loadable: Path | None = None) -> None:
        self.folder, self.limits, self.loadable = folder, limits, loadable
        self.repository = ModelRepository(limits.threads)
        self.worker = Worker(limits.requests, limits.requests * limits.payload)
        self.ready = False
        self.failure = ""  # why the folder could not be loaded; the program then ends
        self._active = 0
        self._last_asked = time.monotonic()
        self._app = Starlette(
            routes=[
                Route("/ping", self.ping),
                Route("/invocations", self.invocations, methods=["POST"]),
                Route("/execution-parameters", self.execution_parameters),
                Route("/models", self.list_models),
                Route("/models", self.load_model, methods=["POST"]),
                Route("/models/{name}", self.describe_model),
                Route("/models/{name}", self.unload_model, methods=["DELETE"]),
                Route("/models/{name}/invoke", self.invocations, methods=["POST"]),
                Route("/openapi.json", self.openapi),
            ],
            lifespan=self._lifespan,
            exception_handlers=errors.HANDLERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._active += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._active -= 1
            self._last_asked = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """How long nobody has asked anything; the lifespan's own call is always active."""
        return 0.0 if self._active > 1 else time.monotonic() - self._last_asked

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        loading = asyncio.create_task(self._load())  # /ping answers 503 in the meantime
        yield
        loading.cancel()

    async def _load(self) -> None:
        try:
            if self.folder is not None:
                await self.worker.run(partial(self.repository.load_folder, self.folder))
            self.ready = True
        except BadModel as error:
            self.failure = str(error)
        except MemoryError:
            self.failure = f"there is not enough memory for {self.folder}"
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a panic of a library in Rust is no Exception
            log.exception("loading %s", self.folder)
            self.failure = f"{self.folder} cannot be loaded: {type(error).__name__}: {error}"

    @described(503, reply=MODELS)
    async def ping(self, _: Request) -> Response:
        """Is the model loaded and working?"""
        self._check_ready()
        if self.repository.broken:
            raise HTTPException(503, self.repository.broken)
        return JSONResponse({"models": self.repository.describe_all()})

    @described(400, 404, 406, 408, 413, 415, 429, 500, 503, body=TEXTS, reply=RESULTS, lines=True)
    async def invocations(self, http: Request) -> Response:
        """Predict: one result a text, in order."""
        self._check_ready()
        self.worker.check_free()
        content_type = headers.content_type(http.headers)
        accept = headers.reply_type(http.headers, default=content_type)
        model = self.repository.get(http.path_params.get("name") or headers.target(http.headers))
        with self.worker.memory() as take:
            body = await self._body(http, take)
            with self.worker.place():
                parse = partial(request_body.parse, body, model.task, content_type)
                request = await asyncio.to_thread(parse) if len(body) > request_body.LARGE else parse()
                predict = partial(self.repository.predict, model, request)
                predictions = await self.worker.run(predict, abandoned=http.is_disconnected)
            reply = reply_body.write(request, predictions.results, accept)
        return Response(reply, media_type=accept, headers=reply_body.truncated_header(predictions.truncated))

    @described()
    async def execution_parameters(self, _: Request) -> Response:
        """What batch transform asks before it begins."""
        megabytes = min(self.limits.payload // 2**20, MOST_TRANSFORM)
        transforms = min(self.limits.transforms, MOST_TRANSFORM // megabytes)
        return JSONResponse(
            {"MaxConcurrentTransforms": transforms, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": megabytes}
        )

    @described(reply=MODELS)
    async def list_models(self, _: Request) -> Response:
        """The models that are loaded."""
        return JSONResponse({"models": self.repository.describe_all()})

    @described(404, reply=MODEL)
    async def describe_model(self, http: Request) -> Response:
        """One model."""
        return JSONResponse(self.repository.describe(self._loaded_name(http)))

    @described(400, 404, 408, 409, 413, 429, 507, body=LOAD, reply=MODEL)
    async def load_model(self, http: Request) -> Response:
        """Load a model: `{"model_name": …, "url": a folder below /opt/ml/models}`."""
        with self.worker.memory() as take:
            name, folder = _parse_load(await self._body(http, take))
        if self.loadable is None or not folder.resolve().is_relative_to(self.loadable.resolve()):
            raise HTTPException(404, f"{folder} is not below {self.loadable or 'any folder of models'}")
        try:
            await self.worker.run(partial(self.repository.load, name, folder))
        except AlreadyLoaded as error:
            raise HTTPException(409, str(error)) from error
        except BadModel as error:
            raise BadInput(str(error)) from error
        except MemoryError:
            raise HTTPException(507, f"no memory is left for {name}; unload another model") from None
        return JSONResponse(self.repository.describe(name))

    @described(404)
    async def unload_model(self, http: Request) -> Response:
        """Unload a model."""
        name = self._loaded_name(http)
        self.repository.unload(name)
        return JSONResponse({"modelName": name})

    @described()
    async def openapi(self, _: Request) -> Response:
        """This document."""
        return JSONResponse(document(self._app.routes))

    def _loaded_name(self, http: Request) -> str:
        name: str = http.path_params["name"]
        if name not in self.repository:
            raise HTTPException(404, f"no model is called {name!r}")
        return name

    def _check_ready(self) -> None:
        if not self.ready:
            raise HTTPException(503, "the model is being loaded; ask again in a moment")

    async def _body(self, http: Request, take: Callable[[int], None]) -> bytes:
        """The body, kept only as far as the limit goes; `take` bounds the bodies of all."""
        chunks, size = [], 0
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                async for chunk in http.stream():
                    size += len(chunk)
                    if size <= self.limits.payload:
                        take(len(chunk))
                        chunks.append(chunk)
                    elif size > 4 * self.limits.payload:
                        break  # up to here it is read to its end, so that the caller gets to see the answer
        except TimeoutError:
            seconds = self.limits.body_seconds
            raise BadInput(f"the body did not arrive within {seconds:g} s; send fewer texts", status=408) from None
        if size > self.limits.payload:
            limit = self.limits.payload / 2**20
            raise BadInput(f"the body is over {limit:g} MB; send fewer texts in a request", status=413)
        return b"".join(chunks)


def _parse_load(body: bytes) -> tuple[str, Path]:
    """Name and folder in the body of a request to load a model; raises `BadInput`."""
    content = request_body.load(body, "the body")
    values = [content.get(field) for field in ("model_name", "url")] if isinstance(content, dict) else []
    texts = [value for value in values if isinstance(value, str) and value and value.isprintable()]
    if len(texts) != 2:
        raise BadInput('the body must be {"model_name": "…", "url": "…"}')
    return texts[0], Path(texts[1])
