"""spaCy without what it would bring along."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_torch() -> Iterator[None]:
    """spaCy imports torch wherever it finds it, and does nothing with it here: half of the time to start and
    half of the memory."""
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # `import torch` then raises ImportError
    try:
        yield
    finally:
        del sys.modules["torch"]
