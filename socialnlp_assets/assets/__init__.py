"""One module a step kind, and what makes hourly assets of steps."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from socialnlp_assets.assets.classifications import Classifications, Themes
from socialnlp_assets.assets.enrichments import Enrichments
from socialnlp_assets.assets.entities import Entities
from socialnlp_assets.assets.filtered_text import FilteredText
from socialnlp_assets.assets.keywords import Keywords
from socialnlp_assets.assets.sentiments import Sentiments
from socialnlp_assets.assets.step import Step
from socialnlp_assets.assets.summaries import Summaries
from socialnlp_assets.assets.translations import Translations

ENTRY_POINTS = "socialnlp_assets.steps"  # the group by which an installed package adds step kinds

# The steps that a workflow may name, in data order.
STEPS: tuple[type[Step], ...] = (
    Translations,
    FilteredText,
    Enrichments,
    Classifications,
    Sentiments,
    Keywords,
    Entities,
    Themes,
    Summaries,
)


class StepKindError(Exception):
    """An installed package adds a step kind that cannot be used."""


@cache
def step_kinds() -> dict[str, type[Step]]:
    """Every step kind by name, in data order: ours, and those of installed packages, each after the one that it
    names. Raises `StepKindError`."""
    kinds = list(STEPS)
    for point in entry_points(group=ENTRY_POINTS):
        kind = _load(point)
        names = [other.name for other in kinds]
        if kind.name in names:
            raise StepKindError(f"{point.value}: there is a step {kind.name!r} already; give it another name")
        if kind.after and kind.after not in names:
            raise StepKindError(f"{point.value}: it comes after {kind.after!r}, which is no step: {', '.join(names)}")
        kinds.insert(names.index(kind.after) + 1 if kind.after else len(kinds), kind)
    return {kind.name: kind for kind in kinds}


def _load(point: EntryPoint) -> type[Step]:
    try:
        kind = point.load()
    except (ImportError, AttributeError) as error:
        raise StepKindError(f"the step {point.name!r} cannot be loaded from {point.value}: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, Step)):
        raise StepKindError(f"{point.value} is no subclass of socialnlp_assets.assets.step.Step")
    return kind
