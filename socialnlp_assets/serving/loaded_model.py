"""Model folders, loaded: a handler with the rules of its task around it."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from socialnlp_assets.serving.handler import BadModel, Handler, Predictions
from socialnlp_assets.serving.handlers import engine_handler
from socialnlp_assets.tasks import BadInput, Task, task, task_names
from socialnlp_assets.tasks.request_body import Request

log = logging.getLogger(__name__)

# Long enough to be summarised (over 50 tokens), and with words that may be read in several ways ("r", "2").
WARM_UP = (
    "The new shop opens at nine and the staff are kind. u r 2 late 4 the party, said my friend, and he was right: "
    "the doors were closed and the lights were out. We walked home in the rain, past the station and the park, and "
    "talked about the price of energy, the wind farms near the coast and what the minister had said on Monday."
)


def read_settings(folder: Path) -> dict[str, Any]:
    """The `model.json` of `folder`, checked as far as the server itself depends on it."""
    path = folder / "model.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BadModel(f"{folder} is no model folder: it has no model.json") from None
    except OSError as error:
        raise BadModel(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadModel(f"{path} is not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise BadModel(f"{path} must hold an object with name, task and engine")
    for field in ("name", "task", "engine"):
        if not isinstance(settings.get(field, ""), str):
            raise BadModel(f"{path}: {field} must be a text, not {settings[field]!r}")
    for field in ("labels", "targets", "further_targets", "languages", "target_languages"):
        texts = settings.get(field, [])
        if not isinstance(texts, list) or not all(text and isinstance(text, str) for text in texts):
            raise BadModel(f"{path}: {field} must be a list of texts, not {texts!r}")
    if settings.get("task") not in task_names():
        raise BadModel(f"{path}: task must be one of {', '.join(task_names())}, not {settings.get('task')!r}")
    if task(settings["task"]).has_labels and not (settings.get("targets") or settings.get("labels")):
        raise BadModel(f"{path}: labels must list the labels that the model answers")
    return settings


@dataclass
class Model:
    """One model: its `model.json` and the handler that runs it."""

    folder: Path
    settings: Mapping[str, Any]
    handler: Handler
    task: Task
    broken: str = ""  # why a model that failed does not even take its warm-up text any more

    @classmethod
    def load(cls, folder: Path, threads: int) -> Model:
        """The model in `folder`, warmed up. Raises `BadModel`, or `MemoryError` when there is no room for it."""
        settings = read_settings(folder)
        if settings.get("targets"):
            raise BadModel(f"{folder} holds several models, each in a folder of its own: load those")
        try:
            handler = engine_handler(settings.get("engine", "")).load(folder, settings, threads)
            model = cls(folder, settings, handler, task(settings["task"], settings.get("labels", ())))
            model.warm_up()
        except (BadModel, MemoryError):
            raise
        except Exception as error:
            log.exception("loading %s", folder)
            raise BadModel(f"{folder} cannot be loaded: {type(error).__name__}: {error}") from error
        return model

    def warm_up(self) -> None:
        """A prediction, so that the first caller does not pay for what engines do lazily."""
        self.handler.predict([WARM_UP], self.task.warm_up(self.settings))

    def predict(self, request: Request) -> Predictions:
        """Results for every text of `request`. Texts whose answer is known never reach the handler.

        Raises `BadInput` with the position in the request.
        """
        results = self.task.known(request.texts, request.parameters, self.settings)
        asked = [position for position, result in enumerate(results) if result is None]
        if not asked:
            return Predictions(results)
        unknown = request if len(asked) == len(results) else request.only(asked)
        try:
            answered = self.handler.predict(unknown.texts, unknown.parameters)
        except BadInput as error:
            position = None if error.position is None else asked[error.position]
            raise BadInput(str(error), position=position, status=error.status) from error
        for position, result in zip(asked, answered.results, strict=True):
            results[position] = self.task.blank() if result is None else _finite(result)
        truncated = [asked[position] for position in answered.truncated]
        self.task.check_cut(truncated, request.parameters)
        return Predictions(results, truncated)


def _finite(result: Any) -> Any:
    if isinstance(result, dict) and not math.isfinite(sum(result.values())):
        raise ValueError("the model answered a score that is not finite")
    return result
