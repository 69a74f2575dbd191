"""`socialnlp models cost`: what the production models' endpoints come to for a volume. An estimate, not a bill."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from socialnlp_assets.models.catalogue import Catalogue, EndpointShape, ModelEntry
from socialnlp_assets.resources.endpoints.metering import PriceTable
from socialnlp_assets.workflow import Workflow

HOURS_OF_A_MONTH = 730
BYTES_OF_A_TEXT = 1500  # there and back


@dataclass(frozen=True)
class Cost:
    """Of one endpoint, USD."""

    model: str
    machine: str
    seconds: float  # that an hour's texts take
    hour: float  # of one hour's texts; the endpoint is removed when it has been idle for a while
    is_priced: bool = True  # whether the table has the machine's price

    @property
    def month(self) -> float:
        return self.hour * HOURS_OF_A_MONTH


@dataclass(frozen=True)
class Used:
    """An endpoint and the workflows whose hours ask it."""

    model: str
    entry: ModelEntry
    workflows: tuple[str, ...]


def used(
    catalogue: Catalogue, workflows: Iterable[Workflow], shapes: Mapping[str, str], models: Collection[str] = ()
) -> list[Used]:
    """The endpoints of `workflows`, in order of use: those of one shape are one. `shapes` are the environment's. Only
    those of `models`, where any are named, and then also one that no workflow asks. Raises KeyError for a model that
    the catalogue lacks."""
    wanted = dict.fromkeys(map(catalogue.endpoint_of, models))
    found: dict[tuple[str, EndpointShape], Used] = {}
    for workflow in workflows:
        shaped = catalogue.shaped(workflow.endpoints).shaped(shapes)
        for model in dict.fromkeys(map(shaped.endpoint_of, workflow.models())):
            entry = shaped[model]
            known = found.get((model, entry.aws.endpoint))
            users = (*(known.workflows if known else ()), workflow.name)
            if model in wanted or not wanted:
                found[model, entry.aws.endpoint] = Used(model, entry, users)
    shaped = catalogue.shaped(shapes)
    alone = wanted.keys() - {each.model for each in found.values()}
    return [*found.values(), *(Used(model, shaped[model], ()) for model in wanted if model in alone)]


def cost_of(name: str, entry: ModelEntry, texts: int, warm_seconds: float, prices: PriceTable) -> Cost:
    """What `texts` an hour come to. A real-time endpoint costs as long as it is there, so its idle time as well; a
    serverless one while it answers, and by the byte."""
    shape, rate = entry.aws.endpoint, entry.aws.texts_per_second
    seconds = texts / rate
    if shape.kind == "serverless":
        memory = shape.memory_mb / 1024
        data = texts * BYTES_OF_A_TEXT / 1e9 * prices.serverless_data_gb
        machine = f"serverless, {shape.memory_mb} MB"
        return Cost(name, machine, seconds, seconds * memory * prices.serverless_gb_second + data)
    there = min(3600.0, seconds + warm_seconds) if texts else 0.0
    price = prices.instance_hour.get(shape.instance_type)
    machines = max(shape.min_instances, min(shape.max_instances, -(-int(seconds) // 3600)))
    hour = machines * there / 3600 * (price or 0.0)
    return Cost(name, f"{machines} × {shape.instance_type}", seconds, hour, price is not None)


def total(costs: Iterable[Cost]) -> tuple[float, float]:
    """An hour, a month."""
    found = list(costs)
    return sum(each.hour for each in found), sum(each.month for each in found)
