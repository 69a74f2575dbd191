"""One module an engine, called as the engine is: `spacy-textrank` is `spacy_textrank.py`, which defines one `Handler`.

`model.json` names the engine, and it comes from anywhere: a name is compared with what there is before anything is
imported, and only that engine's module is. What engines share is in `shared/`.
"""

from __future__ import annotations

import os
from importlib import import_module
from pkgutil import iter_modules

from socialnlp_assets.serving.handler import BadModel, Handler

ALLOWED = "SOCIALNLP_ENGINES"  # package.module:Class of engines that are not ours, with blanks between


def engine_names() -> list[str]:
    """The engines that ship with the server."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__) if not module.ispkg)


def engine_handler(engine: str) -> type[Handler]:
    """The handler class of `engine`: one that ships, or ``package.module:Class`` where `SOCIALNLP_ENGINES` has it.

    Raises `BadModel` when there is none or its library is missing.
    """
    ours = engine in engine_names()
    if not ours and engine not in os.environ.get(ALLOWED, "").split():
        remedy = f"; to run code of your own, set {ALLOWED}={engine}" if ":" in engine else ""
        raise BadModel(f"no engine is called {engine!r}; model.json may name {', '.join(engine_names())}{remedy}")
    module, _, name = engine.partition(":")
    try:
        if not ours:
            return _defined(import_module(module), name)
        return _defined(import_module(f"{__name__}.{engine.replace('-', '_')}"))
    except ModuleNotFoundError as error:
        raise BadModel(
            f"the engine {engine!r} needs {error.name!r}, which is not installed: install the extra "
            "socialnlp-assets[embedded] or socialnlp-assets[engines], or put your own on PYTHONPATH"
        ) from error


def _defined(module: object, name: str = "") -> type[Handler]:
    """The handler that `module` defines, or the one called `name`."""
    where = getattr(module, "__name__", "")
    for found in vars(module).values():
        handler = isinstance(found, type) and issubclass(found, Handler) and found.__module__ == where
        if handler and name in ("", found.__name__):
            return found  # type: ignore[no-any-return]
    raise BadModel(f"{where} defines no handler{name and f' called {name!r}'}")
