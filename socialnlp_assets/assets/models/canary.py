"""A version in canary: it answers a share of the hours' texts beside the one in service, before it takes its place.

What the version in service has answered stays the hour's. What the other one says to the same texts is only counted,
and whatever happens to it costs no hour. Enough texts answered alike bring it into service; a failure of its own, or
more disagreement than the catalogue allows, rejects it. What fails for another reason, such as a quota or the network,
is not counted: being rejected is for good.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from pydantic import BaseModel

from socialnlp_assets.models.catalogue import Canary
from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry
from socialnlp_assets.resources.registry.versions import RegistryError, State
from socialnlp_assets.tasks import RowError, Scores

WHO = "canary"
MOST_TOLD = 300  # characters of a failure
logger = logging.getLogger(__name__)


class Tally(BaseModel):
    """How often two versions answered alike."""

    texts: int = 0
    alike: int = 0
    failures: tuple[str, ...] = ()
    milliseconds: float = 0.0  # that the new version took, in all

    @property
    def disagreement(self) -> float:
        return 1 - self.alike / self.texts if self.texts else 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            texts=self.texts + other.texts,
            alike=self.alike + other.alike,
            failures=(*self.failures, *other.failures),
            milliseconds=self.milliseconds + other.milliseconds,
        )

    def __str__(self) -> str:
        pace = f", {self.milliseconds / self.texts:.1f} ms a text" if self.texts else ""
        return f"{self.texts} texts, {self.disagreement:.1%} answered otherwise{pace}"


def compare(
    endpoints: Endpoints,
    model: str,
    texts: Sequence[str],
    results: Sequence[Any],
    arguments: Mapping[str, Any],
    shapes: Mapping[str, str],
) -> None:
    """Ask the version in canary, if there is one, about its share of `texts`; `results` are what the one in service
    has answered, on an endpoint of the same shape."""
    training = endpoints.catalogue[model].training
    if not training or not training.canary:
        return
    version = endpoints.candidate(model)
    if version is None:
        return
    rows = [row for row, text in enumerate(texts) if is_shared(text, training.canary.share)]
    if rows:
        shared = [texts[row] for row in rows]
        found = _asked(endpoints, model, version.made, shared, _of(arguments, rows), shapes)
        tally = found if isinstance(found, Tally) else _counted(found[0], [results[row] for row in rows], found[1])
        lake = endpoints.registry.lake
        lake.put(f"{_folder(model, version.number)}/{uuid.uuid4()}.json", tally.model_dump_json().encode())
        settle(endpoints.registry, model, version.number, training.canary)


def settle(registry: LakeRegistry, model: str, number: int, canary: Canary) -> None:
    """Decide of a version when enough is known of it."""
    found = tally_of(registry.lake, model, number)
    if found.failures:
        state, why = State.REJECTED, f"its endpoint failed: {found.failures[0]}"
    elif found.texts < canary.texts:
        return
    elif found.disagreement > canary.disagreement:
        state, why = State.REJECTED, f"{found}; {canary.disagreement:.0%} are allowed"
    else:
        state, why = State.APPROVED, str(found)
    with suppress(RegistryError):  # another hour, or somebody, has decided
        registry.decide(model, number, state, WHO, why)
        logger.warning("version %s of %s is %s after its canary: %s", number, model, state, why)


def tally_of(lake: Lake, model: str, number: int) -> Tally:
    """What all hours have counted of a version."""
    files = lake.objects(_folder(model, number))
    return sum((Tally.model_validate_json(lake.get(file.path)) for file in files), Tally())


def is_shared(text: str, share: float) -> bool:
    """Whether `text` is of the share: the same texts each time, and of a larger share as well."""
    place = int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    return place < share * 2**64


def _asked(
    endpoints: Endpoints,
    model: str,
    made: Any,
    texts: Sequence[str],
    arguments: Mapping[str, Any],
    shapes: Mapping[str, str],
) -> Tally | tuple[list[Any], float]:
    try:
        with endpoints.lease(model, step=WHO, version=made, shapes=shapes) as predictor:
            answers = predictor.predict(texts, **arguments)
            return answers, predictor.usage.request_seconds * 1000
    except EndpointError as error:
        said = " ".join(str(error).split())[:MOST_TOLD]
        if error.is_of_model:
            return Tally(failures=(said,))
        logger.warning("the version of %s in canary was not asked: %s", model, said)
        return Tally()


def _counted(ours: Sequence[Any], theirs: Sequence[Any], milliseconds: float) -> Tally:
    pairs = list(zip(ours, theirs, strict=True))
    return Tally(texts=len(pairs), alike=sum(_said(a) == _said(b) for a, b in pairs), milliseconds=milliseconds)


def _said(result: Any) -> Any:
    """What a result comes to in an hour's rows; figures after the point are not compared."""
    if isinstance(result, Scores):
        return result.label, [label for label, score in sorted(result.scores.items()) if score >= 0.5]
    return "a row error" if isinstance(result, RowError) else result


def _of(arguments: Mapping[str, Any], rows: Sequence[int]) -> dict[str, Any]:
    return {
        name: [value[row] for row in rows] if isinstance(value, list) else value for name, value in arguments.items()
    }


def _folder(model: str, number: int) -> str:
    return f"models/{model}/canary/{number}"
