"""The hooks by which Amazon's Hugging Face containers serve a packaged model: copied into its `code/`.

Everything is our own server's, so both answer the same. These containers turn every exception into a 400.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from socialnlp_assets.serving.models import Model
from socialnlp_assets.serving.protocol import parse, render


def model_fn(model_dir: str, context: Any = None) -> Model:  # noqa: ARG001 (the toolkit's signature)
    """The model that lies beside this folder."""
    return Model.load(Path(model_dir), os.cpu_count() or 1)


def predict_fn(data: dict[str, Any], model: Model, context: Any = None) -> Any:  # noqa: ARG001
    """`{"inputs": [...], "parameters": {...}}` to the task's replies (docs/contracts.md)."""
    request = parse(json.dumps(data).encode(), model.task)
    return json.loads(render(model.task, model.predict(request).results, request.parameters))
