"""socialnlp_assets: an hourly, asset-based data platform for listening to what people say about a company."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socialnlp_assets.component import ListeningWorkflow

__all__ = ["ListeningWorkflow"]


def __getattr__(name: str) -> Any:
    """`dg` looks for components here; whoever imports us for something else need not wait for Dagster."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from socialnlp_assets.component import ListeningWorkflow

    return ListeningWorkflow


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
