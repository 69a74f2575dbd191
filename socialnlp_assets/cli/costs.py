"""`socialnlp models cost`: what the production models' endpoints come to for a volume. An estimate, not a bill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.metering import PriceTable

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
