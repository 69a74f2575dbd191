"""What the use of an endpoint came to: counts, endpoint seconds and estimated cost, by holder.

A lease owns one `Meter`. The predictor counts requests into it, the lease tells it the seconds that the
endpoint was held and by how many, and the step puts `Meter.usage.as_record()` on record with its materialisation.
"""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field
from rich import box
from rich.table import Table

from socialnlp_assets.resources.endpoints.backend import EndpointSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Usage:
    """What one holder used of one endpoint. Adding two sums their numbers."""

    model: str
    holder: str
    texts: int = 0  # texts asked about, blank and repeated ones included
    rows: int = 0  # texts sent
    requests: int = 0  # requests that were answered
    failures: int = 0  # requests that kept the model busy and brought nothing
    retries: int = 0  # requests that were sent again as they were
    row_errors: int = 0  # texts the model could not take
    bytes_sent: int = 0
    bytes_received: int = 0
    request_seconds: float = 0.0  # summed over requests in flight, failures included
    endpoint_seconds: float = 0.0  # this holder's share of the time the endpoint was held
    cost_usd: float = 0.0  # an estimate, from the price table

    def __add__(self, other: Usage) -> Usage:
        if other.model != self.model:
            raise ValueError(f"cannot add the use of {other.model} to that of {self.model}")
        holder = self.holder if other.holder == self.holder else "all"
        sums = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return Usage(self.model, holder, **sums)

    def as_record(self) -> dict[str, str | int | float]:
        """Plain values by the names of the fields, such as a line of a table."""
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in asdict(self).items()}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Usage:
        """What `as_record` gave; raises TypeError for a record that holds anything else."""
        return cls(**record)


COUNTS = tuple(field.name for field in fields(Usage) if field.name not in ("model", "holder"))


class Price(BaseModel):
    """What the use of one endpoint costs, USD."""

    model_config = ConfigDict(frozen=True)

    endpoint_second: float = 0.0  # while it exists
    request_second: float = 0.0  # while it answers
    byte: float = 0.0  # in or out


class PriceTable(BaseModel):
    """`prices.yaml`, or another of its form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: datetime.date
    region: str
    source: str
    instance_hour: dict[str, float]
    serverless_gb_second: float = Field(ge=0)
    serverless_data_gb: float = Field(ge=0)
    local_hour: float = Field(default=0.0, ge=0)

    def price(self, spec: EndpointSpec) -> Price:
        """What `spec` costs with the least number of instances that it keeps. An instance type that the table
        lacks is logged and costs nothing: metering never stops a run."""
        if spec.kind == "process":
            return Price(endpoint_second=self.local_hour / 3600)
        if spec.kind == "serverless":
            memory_gb = spec.config["memory_mb"] / 1024
            return Price(request_second=memory_gb * self.serverless_gb_second, byte=self.serverless_data_gb / 1e9)
        instance_type, (instances, _) = spec.config["instance_type"], spec.config["instances"]
        if instance_type not in self.instance_hour:
            logger.warning("The price table of %s lacks %s: its use costs 0 USD here", self.date, instance_type)
        return Price(endpoint_second=instances * self.instance_hour.get(instance_type, 0.0) / 3600)


@cache
def load_prices(path: Path | None = None) -> PriceTable:
    """The price table in `path`, else the one that is shipped; raises `pydantic.ValidationError`."""
    text = (path or Path(__file__).with_name("prices.yaml")).read_text(encoding="utf-8")
    return PriceTable.model_validate(yaml.safe_load(text))


class Meter:
    """Counts the use of one endpoint by one holder. Safe to use from several threads."""

    def __init__(self, model: str, holder: str, price: Price | None = None) -> None:
        self._usage = Usage(model, holder)
        self._price = price or Price()
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        return self._usage

    def add(self, **counts: float) -> None:
        """Add to any of the numbers of `Usage`: ``meter.add(requests=1, rows=32)``."""
        with self._lock:
            self._usage = replace(
                self._usage, **{name: getattr(self._usage, name) + count for name, count in counts.items()}
            )

    def request(self, *, rows: int, sent: int, received: int, seconds: float) -> None:
        """One answered request."""
        self._asked(sent, received, seconds, requests=1, rows=rows)

    def failure(self, *, sent: int, seconds: float) -> None:
        """One request that the model was busy with, as far as is known, and that brought no results."""
        self._asked(sent, 0, seconds, failures=1)

    def _asked(self, sent: int, received: int, seconds: float, **counts: int) -> None:
        cost = seconds * self._price.request_second + (sent + received) * self._price.byte
        self.add(bytes_sent=sent, bytes_received=received, request_seconds=seconds, cost_usd=cost, **counts)

    def held(self, seconds: float, holders: int = 1) -> None:
        """The endpoint ran for `seconds` while `holders` held it, this one among them."""
        share = seconds / max(1, holders)
        self.add(endpoint_seconds=share, cost_usd=share * self._price.endpoint_second)


def usage_table(usages: Iterable[Usage]) -> Table:
    """The use of endpoints, a line a model, and what it came to in eighty columns; held: seconds."""
    by_model: dict[str, Usage] = {}
    for usage in usages:
        by_model[usage.model] = by_model[usage.model] + usage if usage.model in by_model else usage
    total = sum(usage.cost_usd for usage in by_model.values())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0, show_footer=True)
    table.add_column("endpoint", footer="estimated in all", no_wrap=True)
    for heading in ("texts", "sent", "asked", "failed", "again", "bad", "MB", "held", "USD"):
        table.add_column(heading, justify="right", footer=f"{total:.4f}" if heading == "USD" else "")
    for model, usage in sorted(by_model.items()):
        megabytes = (usage.bytes_sent + usage.bytes_received) / 1e6
        counts = (usage.texts, usage.rows, usage.requests, usage.failures, usage.retries, usage.row_errors)
        amounts = (f"{megabytes:.1f}", f"{usage.endpoint_seconds:.0f}", f"{usage.cost_usd:.4f}")
        table.add_row(model, *map(str, counts), *amounts)
    return table
