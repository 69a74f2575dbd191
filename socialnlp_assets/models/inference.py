"""The hooks by which Amazon's Hugging Face containers serve a packaged model: copied into its `code/`.

Everything is our own server's, so both answer the same, errors included. These containers turn every exception
into a 400.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from socialnlp_assets.serving.repository import ModelRepository
from socialnlp_assets.tasks import reply_body, request_body


def model_fn(model_dir: str, context: Any = None) -> ModelRepository:  # noqa: ARG001 (the toolkit's signature)
    """The model that lies beside this folder."""
    repository = ModelRepository(os.cpu_count() or 1)
    repository.load_folder(Path(model_dir))
    return repository


def predict_fn(data: dict[str, Any], repository: ModelRepository, context: Any = None) -> Any:  # noqa: ARG001
    """`{"inputs": [...], "parameters": {...}}` to the task's replies (docs/contracts.md)."""
    model = repository.get(None)
    request = request_body.parse(json.dumps(data).encode(), model.task)
    return json.loads(reply_body.write(request, repository.predict(model, request).results))
