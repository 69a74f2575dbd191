"""The model catalogue: logical names, what they do, and what stands behind them in each profile."""

from socialnlp_assets.models.catalogue import Catalogue, ModelEntry, load_catalogue

__all__ = ["Catalogue", "ModelEntry", "load_catalogue"]
