"""Reads and validates `catalogue.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from socialnlp_assets.tasks import task

SERVERLESS_MEMORY_MB = range(1024, 6144 + 1, 1024)
EMBEDDED_MODELS = Path(__file__).parent / "embedded"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointShape(_Strict):
    """How large an endpoint is, and how it grows."""

    kind: Literal["realtime", "serverless", "async"]
    instance_type: str = ""
    min_instances: int = 1
    max_instances: int = 1
    memory_mb: int = 0
    max_concurrency: int = 0
    multi_model: bool = False  # the image speaks SageMaker's multi-model API (stock containers do, ours need not)

    @model_validator(mode="after")
    def fits_its_kind(self) -> Self:
        """What SageMaker would refuse only when the endpoint is created, or the configuration is made."""
        if self.multi_model and self.kind != "realtime":
            raise ValueError(f"{self.kind} endpoints cannot be multi_model")
        if self.kind == "serverless":
            if self.memory_mb not in SERVERLESS_MEMORY_MB:
                raise ValueError(f"memory_mb is one of {', '.join(map(str, SERVERLESS_MEMORY_MB))}")
            if self.max_concurrency < 1:
                raise ValueError("serverless endpoints need a max_concurrency of at least 1")
            return self
        if not self.instance_type:
            raise ValueError(f"{self.kind} endpoints need an instance_type")
        if not 1 <= self.min_instances <= self.max_instances:
            raise ValueError("it must be that 1 ≤ min_instances ≤ max_instances")
        return self


class EmbeddedModel(_Strict):
    model: str  # folder below models/embedded/

    @property
    def path(self) -> Path:
        return EMBEDDED_MODELS / self.model


class AwsModel(_Strict):
    source: str
    revision: str = ""
    licence: str = ""  # of the source, where its card does not say; SPDX
    engine: str
    labels: tuple[str, ...] = ()  # in the order of the source's logits, where its config does not name them
    endpoint: EndpointShape


class RequestLimits(_Strict):
    max_rows: int = Field(default=64, ge=1)


def _task_name(name: str) -> str:
    task(name)
    return name


class ModelEntry(_Strict):
    """One logical model."""

    description: str
    task: Annotated[str, AfterValidator(_task_name)]
    prepare: Literal["classification", "review"] | None = None  # how nlp.cleaning readies a text
    labels: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    embedded: EmbeddedModel
    aws: AwsModel
    request: RequestLimits = RequestLimits()
    endpoint_of: str = ""  # the model on whose endpoint this one is a further target, of its own name
    target: str | None = None  # what it is called there


class Catalogue(RootModel[dict[str, ModelEntry]]):
    """All models by logical name."""

    @model_validator(mode="before")
    @classmethod
    def _shared_endpoints(cls, entries: Any) -> Any:
        """A model on another's endpoint has that one's folder, archive and shape."""
        if not isinstance(entries, dict):
            return entries
        resolved = {}
        for name, entry in entries.items():
            if isinstance(entry, dict) and (host := entry.get("endpoint_of")):
                if not isinstance(host_entry := entries.get(host), dict) or host_entry.get("endpoint_of"):
                    raise ValueError(f"{name}: endpoint_of: {host!r} is no model with an endpoint of its own")
                shared = {part: host_entry.get(part) for part in ("embedded", "aws")}
                entry = {**entry, **shared, "target": name}
            resolved[name] = entry
        return resolved

    def endpoint_of(self, name: str) -> str:
        """The model whose endpoint serves `name`: nearly always itself."""
        return self[name].endpoint_of or name

    def __getitem__(self, name: str) -> ModelEntry:
        try:
            return self.root[name]
        except KeyError:
            known = ", ".join(sorted(self.root))
            raise KeyError(f"no model is called {name!r}; the catalogue has {known}") from None

    def names(self) -> list[str]:
        return list(self.root)


@cache
def load_catalogue(path: Path = Path(__file__).parent / "catalogue.yaml") -> Catalogue:
    """The catalogue in `path`; raises `pydantic.ValidationError` where it does not fit."""
    return Catalogue.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
