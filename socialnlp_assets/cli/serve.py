"""`socialnlp serve`: the model server as a sub-command."""

from socialnlp_assets.serving.__main__ import serve

__all__ = ["serve"]
