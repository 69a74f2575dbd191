"""The models that one server holds, by name: one, a folder's targets, or what SageMaker loads on demand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from socialnlp_assets.serving.handler import Predictions
from socialnlp_assets.serving.loaded_model import Model, read_settings
from socialnlp_assets.tasks import BadInput
from socialnlp_assets.tasks.request_body import Request

log = logging.getLogger(__name__)


class ModelFailed(Exception):
    """The model broke on a valid request: our fault. The message names the text where one is to blame."""


class AlreadyLoaded(Exception):
    """There is a model of this name."""


class ModelRepository:
    """Loaded models. Loading and predicting belong on the server's one model thread."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._models: dict[str, Model] = {}
        self._default: str | None = None  # the one model that needs no name

    @property
    def broken(self) -> str:
        """The first model that is broken, and why; empty while all work."""
        return next((f"{name} is broken: {model.broken}" for name, model in self._models.items() if model.broken), "")

    def load_folder(self, folder: Path) -> None:
        """Load the model in `folder` and its further targets, or where it only holds targets, those.
        Raises `BadModel`."""
        settings = read_settings(folder)
        targets = settings.get("targets", [])
        if not targets:
            self._default = str(settings.get("name", folder.name))
            self.load(self._default, folder)
        for target in [*targets, *settings.get("further_targets", [])]:
            self.load(target, folder / target)

    def load(self, name: str, folder: Path) -> None:
        """Load one model under `name`. Raises `BadModel`, or `AlreadyLoaded`: of two callers at once, the second
        finds out only here."""
        if name in self._models:
            raise AlreadyLoaded(f"{name} is loaded already")
        self._models[name] = Model.load(folder, self._threads)

    def unload(self, name: str) -> None:
        del self._models[name]

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def get(self, name: str | None) -> Model:
        """The model called `name`, or the only one. Raises `BadInput`."""
        name = self._default if name is None else name
        known = ", ".join(sorted(self._models)) or "none"
        if name is None:
            raise BadInput(f"name a model in the header X-Amzn-SageMaker-Target-Model; there are: {known}")
        if name not in self._models:
            raise BadInput(f"no model is called {name!r}; there are: {known}", status=404)
        return self._models[name]

    def describe(self, name: str) -> dict[str, Any]:
        """The model as SageMaker's multi-model interface lists it."""
        return {"modelName": name, "modelUrl": str(self._models[name].folder)}

    def describe_all(self) -> list[dict[str, Any]]:
        return [self.describe(name) for name in sorted(self._models)]

    def predict(self, model: Model, request: Request) -> Predictions:
        """`model.predict`; raises `BadInput` that names the text, and `ModelFailed` for all else."""
        try:
            predictions = model.predict(request)
        except BadInput as error:
            if error.position is None:
                raise
            raise BadInput(f"{request.field}[{error.position}]: {error}", status=error.status) from error
        except Exception as error:
            log.exception("%s failed on %d texts", model.folder.name, len(request.texts))
            model.broken = _failure(model.warm_up)
            reason = f"{type(error).__name__}: {error}"
            raise ModelFailed(f"{_culprit(model, request)}: the model failed: {reason}") from error
        model.broken = ""
        return predictions


def _failure(call: Callable[[], object]) -> str:
    """Why `call` fails, or nothing when it does not."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _culprit(model: Model, request: Request) -> str:
    """The first text that fails by itself, found by halving; costs about as much as the request again."""
    positions = list(range(len(request.texts)))
    while len(positions) > 1:
        half = positions[: len(positions) // 2]
        fails = _failure(lambda half=half: model.predict(request.only(half)))  # type: ignore[misc]
        positions = half if fails else positions[len(half) :]
    if _failure(lambda: model.predict(request.only(positions))):
        return f"{request.field}[{positions[0]}]"
    return "no text by itself; fewer texts in a request may succeed"
