"""`LocalEndpoints`: models of the catalogue as server processes of this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field

from socialnlp_assets.files import private_folder
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.folders import FolderMissing, model_folder
from socialnlp_assets.resources.endpoints.backend import EndpointSpec, ModelMissing
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.local import LocalProcess
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.terms import PATIENCE

ALLOWED = "SOCIALNLP_ENGINES"  # by which a server knows the engines, other than ours, that it may import


class LocalEndpoints(Endpoints):
    """Serves the models' embedded folders by processes of this machine, which share the leases in `state`."""

    state: str = Field(description="folder of this machine's leases, servers' logs and fetched models")
    python: str = Field(default="", description="interpreter that serves models; empty: this one")
    engines: list[str] = Field(default=[], description="package.module:Class of engines that servers may import")

    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:
        folder = self.folder(model, entry)
        command = [self.python or sys.executable, "-m", "socialnlp_assets.serving"]
        if own := [engine for engine in self.engines if _is_named(engine, folder)]:
            command = ["/usr/bin/env", f"{ALLOWED}={' '.join(own)}", *command]
        code = [_module_digest(engine.partition(":")[0]) for engine in own]
        return local_spec(model, folder, command, self.manager.store.name, self.prefix, code)

    def folder(self, model: str, entry: ModelEntry) -> Path:
        try:
            return model_folder(entry.embedded.model, Path(self.state) / "models", self.region, self.endpoint_url)
        except FolderMissing as error:
            raise ModelMissing(f"{model} cannot be served: {error}; see `socialnlp models check`") from None

    def _open(self) -> LeaseManager:
        # Nobody asks anything of a server that is only announced.
        unasked = max(self.lease_seconds, PATIENCE["process"].creation.total_seconds())
        backend = LocalProcess(private_folder(Path(self.state)) / "endpoints", unasked + self.warm_seconds)
        return self._managing(self.leases or str(Path(self.state) / "leases.db"), backend)


def local_spec(
    model: str, folder: Path, command: Sequence[str], store: str, prefix: str = "nlp", engines: Sequence[str] = ()
) -> EndpointSpec:
    """What a local process serves `folder` with. The code, with the digests of `engines` that are not ours, and the
    content decide the hash, so that different code never shares an endpoint."""
    package = Path(__file__).parents[2]
    config: dict[str, Any] = {
        "command": [*command],
        "model_dir": str(folder),
        "model": folder_digest(folder),
        "version": version("socialnlp-assets"),
        "code": [folder_digest(package / room) for room in ("serving", "tasks", "nlp")] + [*engines],
    }
    return EndpointSpec.of(model, "process", config, store, prefix)


def _is_named(engine: str, folder: Path) -> bool:
    return any(engine in settings.read_text(encoding="utf-8") for settings in folder.rglob("model.json"))


def _module_digest(module: str) -> str:
    """Of the module's file as it is now; of nothing where this interpreter has none, which the server will tell."""
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        return ""
    return sha256(Path(found.origin).read_bytes()).hexdigest()[:16] if found and found.origin else ""


@cache
def folder_digest(folder: Path) -> str:
    """A digest of the names and contents of the files in `folder`, once a process."""
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()[:16]
