"""The model catalogue: the built-in `catalogue.yaml`, and the files of a folder of one's own.

A model is added by an entry in any ``*.yaml`` of that folder, or replaced by an entry of its name. Every mistake is
told with the file, the line and the remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from socialnlp_assets.tasks import task
from socialnlp_assets.yaml_files import Location, NotYaml, YamlFile, findings, remedy

BUILT_IN = Path(__file__).with_name("catalogue.yaml")
SHAPE = re.compile(
    r"serverless:(?P<memory>\d+)(\*(?P<concurrency>\d+))?|(?P<type>ml\.[\w.-]+)(\*(?P<least>\d+)(-(?P<most>\d+))?)?"
)
SERVERLESS_MEMORY_MB = range(1024, 6144 + 1, 1024)
EMBEDDED_MODELS = Path(__file__).parent / "embedded"


class CatalogueError(ValueError):
    """Catalogue files do not fit; the message has a line a mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointShape(_Strict):
    """How large an endpoint is, and how it grows."""

    kind: Literal["realtime", "serverless"]
    instance_type: str = ""
    min_instances: int = 1
    max_instances: int = 1
    memory_mb: int = 0
    max_concurrency: int = 0

    @classmethod
    def of(cls, text: str) -> Self:
        """As one writes it in a word: ``ml.c6i.xlarge``, ``ml.c6i.xlarge*1-4``, ``serverless:4096``,
        ``serverless:4096*10``. Raises ValueError."""
        match = SHAPE.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r}: write ml.c6i.xlarge, ml.c6i.xlarge*1-4, serverless:4096 or serverless:4096*10")
        least = int(match["least"] or 1)
        most = int(match["most"] or least)
        try:
            if memory := match["memory"]:
                return cls(kind="serverless", memory_mb=int(memory), max_concurrency=int(match["concurrency"] or 5))
            return cls(kind="realtime", instance_type=match["type"], min_instances=least, max_instances=most)
        except ValidationError as error:
            raise ValueError(f"{text!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None

    @model_validator(mode="after")
    def fits_its_kind(self) -> Self:
        """What SageMaker would refuse only when the endpoint is created, or the configuration is made."""
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
    """The model folder that a local process serves: relative to the catalogue file, absolute, or by a ``file://`` or
    ``s3://`` URI."""

    model: str = Field(min_length=1)

    @field_validator("model")
    @classmethod
    def relative_to_its_file(cls, value: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        return value if folder is None or "://" in value else str(folder / Path(value).expanduser())

    @property
    def path(self) -> Path:
        """The folder, where it is one of this machine; `models.folders` fetches the others."""
        return Path(self.model)

    @property
    def is_made(self) -> bool:
        """False for a model whose first version is yet to be trained; of a folder elsewhere nothing is asked."""
        return "://" in self.model or self.path.is_dir()


class AwsModel(_Strict):
    """What stands behind the model on SageMaker; without a word, the embedded folder on a small serverless endpoint."""

    source: str = ""
    revision: str = ""
    licence: str = ""  # of the source, where its card does not say; SPDX
    engine: str = ""  # empty: the embedded folder's
    labels: tuple[str, ...] = ()  # in the order of the source's logits, where its config does not name them
    endpoint: EndpointShape = EndpointShape(kind="serverless", memory_mb=2048, max_concurrency=5)
    texts_per_second: float = Field(default=100, gt=0)  # on that shape, as far as is known: for estimates of cost
    archive: str = ""  # s3:// address of the model.tar.gz to serve; empty: the current one of the bucket
    archive_sha256: str = ""


class Floors(_Strict):
    """What a model must reach on held-back labels to go into service."""

    macro_f1: float = Field(default=0.5, ge=0, le=1)
    class_f1: float = Field(default=0.15, ge=0, le=1)  # of every class
    calibration_error: float = Field(default=0.25, ge=0, le=1)  # at most
    milliseconds: float = Field(default=50, gt=0)  # a text, at most
    megabytes: float = Field(default=500, gt=0)  # at most


class Behaviour(_Strict):
    """What a model must do whatever its figures are."""

    ignores: tuple[Literal["names", "places", "numbers", "addresses"], ...] = (
        "names",
        "places",
        "numbers",
        "addresses",
    )
    negated: dict[str, tuple[str, ...]] = {}  # label → sentences with "is" or the like, whose score falls with "not"


class TrainingShape(_Strict):
    """The machine of a training job on SageMaker, and how long it may take."""

    instance_type: str = Field(default="ml.m5.xlarge", min_length=1)
    spot: bool = True  # what AWS has to spare, for a third of the price; a job that is interrupted goes on later
    max_minutes: int = Field(default=60, ge=1, le=28 * 24 * 60)
    spot_wait_minutes: int = Field(default=240, ge=0, le=14 * 24 * 60)  # for a spot instance, in all
    volume_gb: int = Field(default=30, ge=1)


class Canary(_Strict):
    """How a new version proves itself on the hours' texts before it takes over; a share alone, ``10%``, is enough."""

    share: float = Field(gt=0, le=1)  # of the texts, which both versions answer
    texts: int = Field(default=200, ge=1)  # that must have been answered
    disagreement: float = Field(default=0.2, ge=0, le=1)  # of them that may be answered otherwise

    @field_validator("share", mode="before")
    @classmethod
    def share_in_percent(cls, value: Any) -> Any:
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                return float(value.strip().rstrip("%")) / 100
            except ValueError:
                raise ValueError("write a share as 10% or 0.1") from None
        return value


class Training(_Strict):
    """How the model is trained, and what becomes of the versions."""

    recipe: Literal["linear", "fasttext", "blazingtext", "transformers"] = "linear"
    hyperparameters: dict[str, str | int | float] = {}
    seed: int = 0
    job: TrainingShape = TrainingShape()
    floors: Floors = Floors()
    behaviour: Behaviour = Behaviour()
    approval: Literal["by hand", "automatic"] = "by hand"  # of what passes the gate
    canary: Canary | None = None  # none: an approved version takes over at once
    retrain_after: int = Field(default=200, ge=1)  # newly labelled texts
    every: timedelta | None = None  # a look whether anything has changed, such as 30d; none: no calendar
    drift_hours: int = Field(default=3, ge=1, le=24)  # of a day, after which any new label is enough

    @field_validator("every", mode="before")
    @classmethod
    def whole_days(cls, value: Any) -> Any:
        if value is None or isinstance(value, timedelta):
            return value
        days = re.fullmatch(r"([1-9]\d{0,2})d", str(value).strip())
        if days is None:
            raise ValueError("write a number of days, such as 30d")
        return timedelta(days=int(days[1]))

    @field_validator("canary", mode="before")
    @classmethod
    def share_alone(cls, value: Any) -> Any:
        return {"share": value} if isinstance(value, str | int | float) else value


class RequestLimits(_Strict):
    max_rows: int = Field(default=64, ge=1)


def _task_name(name: str) -> str:
    task(name)
    return name


class ModelEntry(_Strict):
    """One logical model."""

    description: str
    task: Annotated[str, AfterValidator(_task_name)]
    prepare: Literal["classification", "review", "tweet"] | None = None  # how nlp.cleaning readies a text
    labels: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    embedded: EmbeddedModel
    aws: AwsModel = AwsModel()
    request: RequestLimits = RequestLimits()
    training: Training | None = None
    endpoint_of: str = ""  # the model on whose endpoint this one is a further target, of its own name
    target: str | None = None  # what it is called there


class Catalogue(RootModel[dict[str, ModelEntry]]):
    """All models by logical name."""

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

    def shaped(self, shapes: Mapping[str, str]) -> Catalogue:
        """The same with other endpoints: `shapes` by model, as `EndpointShape.of` reads them. Raises
        `CatalogueError`."""
        if not shapes:
            return self
        found = dict(self.root)
        for name, text in shapes.items():
            try:
                entry, shape = self[self.endpoint_of(name)], EndpointShape.of(text)
            except (KeyError, ValueError) as error:
                raise CatalogueError(f"SOCIALNLP_ENDPOINT_SHAPES: {name}: {error.args[0]}") from None
            aws = entry.aws.model_copy(update={"endpoint": shape})
            found[self.endpoint_of(name)] = entry.model_copy(update={"aws": aws})
        return Catalogue(found)

    def trained(self) -> dict[str, Training]:
        """How each model is trained that says so."""
        return {name: entry.training for name, entry in self.root.items() if entry.training}


@cache
def load_catalogue(folder: Path | None = None) -> Catalogue:
    """The built-in models, and those of the ``*.yaml`` in `folder`. Raises `CatalogueError` naming all mistakes."""
    models = dict(read_catalogue_file(BUILT_IN, EMBEDDED_MODELS)[1])
    own: dict[str, Path] = {}
    mistakes = []
    for path in catalogue_files(folder):
        try:
            file, entries = read_catalogue_file(path, path.parent)
        except CatalogueError as error:
            mistakes.append(str(error))
            continue
        # A model that had shared the endpoint of one that is replaced has one of its own from now on.
        guests = [name for name, entry in models.items() if entry.endpoint_of in entries]
        models |= {name: models[name].model_copy(update={"endpoint_of": ""}) for name in guests}
        for name, entry in entries.items():
            if name in own:
                mistakes.append(file.told((name,), f"is in {own[name]} too; leave one of them"))
            own[name], models[name] = path, entry
    if mistakes:
        raise CatalogueError("\n".join(mistakes))
    return Catalogue(models)


def catalogue_files(folder: Path | None) -> list[Path]:
    """The catalogue files in `folder`. Raises `CatalogueError` where there is no such folder."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise CatalogueError(f"{folder}: no such folder; make it or unset SOCIALNLP_MODELS")
    return sorted(folder.absolute().glob("*.yaml"))


def read_catalogue_file(path: Path, folder: Path) -> tuple[YamlFile, Mapping[str, ModelEntry]]:
    """The file and its entries, whose model folders are relative to `folder`. Raises `CatalogueError`."""
    try:
        file = YamlFile.read(path)
    except NotYaml as error:
        raise CatalogueError(f"{error}; compare with docs/library.md") from None
    except OSError as error:
        raise CatalogueError(f"{path}:1: cannot be read: {error.strerror}") from None
    problems = [*file.repeated(), *_misplaced(file.content)]
    entries: Mapping[str, ModelEntry] = {}
    try:
        entries = _ENTRIES.validate_python(_resolved(file.content or {}), context={"folder": folder})
    except ValidationError as error:
        problems += [(_place(found), _remedy(found)) for found in findings(map(dict, error.errors()))]
    if problems:
        raise CatalogueError("\n".join(file.told(place, text, "catalogue") for place, text in problems))
    return file, entries


def _resolved(entries: Any) -> Any:
    """A model on another's endpoint has that one's folder, archive and shape."""
    if not isinstance(entries, dict):
        return entries
    return {
        name: {**entry, **{part: host[part] for part in ("embedded", "aws") if part in host}, "target": name}
        if (host := _host(entries, entry))
        else entry
        for name, entry in entries.items()
    }


def _misplaced(entries: Any) -> Iterator[tuple[Location, str]]:
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict) and entry.get("endpoint_of") and not _host(entries, entry):
            yield (
                (name, "endpoint_of"),
                f"{entry['endpoint_of']!r} is no model of this file with an endpoint of its own",
            )


def _host(entries: Mapping[str, Any], entry: Any) -> Mapping[str, Any] | None:
    host = entries.get(str(entry.get("endpoint_of"))) if isinstance(entry, dict) else None
    return host if isinstance(host, dict) and not host.get("endpoint_of") else None


_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]  # SageMaker's names have 63 characters
_ENTRIES: TypeAdapter[dict[str, ModelEntry]] = TypeAdapter(dict[_Name, ModelEntry])
_PARTS: Mapping[str, type[BaseModel]] = {
    "embedded": EmbeddedModel,
    "aws": AwsModel,
    "endpoint": EndpointShape,
    "request": RequestLimits,
    "training": Training,
    "job": TrainingShape,
    "canary": Canary,
    "floors": Floors,
    "behaviour": Behaviour,
}


def _place(error: Mapping[str, Any]) -> Location:
    return tuple(part for part in error["loc"] if part != "[key]")


def _remedy(error: Mapping[str, Any]) -> str:
    location = _place(error)
    if not location:
        return "a catalogue is a mapping of models by name; compare with docs/library.md"
    above = [part for part in location[1:-1] if isinstance(part, str)]
    model = _PARTS[above[-1]] if above else ModelEntry
    name = "small letters, digits and -, 40 characters at most"
    return remedy(error, list(model.model_fields), {}, name)
