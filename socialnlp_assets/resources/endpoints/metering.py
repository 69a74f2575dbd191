"""What the use of an endpoint came to: counts, endpoint seconds and estimated cost, by holder.

A lease owns one `Meter`. The predictor counts requests into it, the lease tells it the seconds that the
endpoint was held and by how many, and the step attaches `Meter.usage.as_metadata()` to its materialisation.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class Usage:
    """What one holder used of one endpoint. Adding two sums their numbers."""

    model: str
    holder: str
    texts: int = 0  # texts asked about, blank and repeated ones included
    rows: int = 0  # texts sent
    requests: int = 0  # requests that were answered
    retries: int = 0  # requests that had to be sent again
    row_errors: int = 0  # texts the model could not take
    bytes_sent: int = 0
    bytes_received: int = 0
    request_seconds: float = 0.0  # summed over requests in flight
    endpoint_seconds: float = 0.0  # this holder's share of the time the endpoint was held
    cost_usd: float = 0.0  # an estimate, from the price table

    def __add__(self, other: Usage) -> Usage:
        if other.model != self.model:
            raise ValueError(f"cannot add the use of {other.model} to that of {self.model}")
        holder = self.holder if other.holder == self.holder else "all"
        sums = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return Usage(self.model, holder, **sums)

    def as_metadata(self) -> dict[str, str | int | float]:
        """Plain values, for the metadata of a materialisation."""
        values: dict[str, str | int | float] = {"endpoint/model": self.model}
        for name in COUNTS:
            value = getattr(self, name)
            values[f"endpoint/{name}"] = round(value, 6) if isinstance(value, float) else value
        return values


COUNTS = tuple(field.name for field in fields(Usage) if field.name not in ("model", "holder"))


class InstanceShare(BaseModel):
    """What a second of one endpoint costs, and what its requests cost beside."""

    model_config = ConfigDict(frozen=True)

    per_endpoint_second: float = 0.0
    per_request_second: float = 0.0
    per_byte: float = 0.0


class Meter:
    """Counts the use of one endpoint by one holder. Safe to use from several threads."""

    def __init__(self, model: str, holder: str, price: InstanceShare | None = None) -> None:
        self._usage = Usage(model, holder)
        self._price = price or InstanceShare()
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
        cost = seconds * self._price.per_request_second + (sent + received) * self._price.per_byte
        self.add(
            requests=1,
            rows=rows,
            bytes_sent=sent,
            bytes_received=received,
            request_seconds=seconds,
            cost_usd=cost,
        )

    def held(self, seconds: float, holders: int = 1) -> None:
        """The endpoint ran for `seconds` while `holders` held it, this one among them."""
        share = seconds / max(1, holders)
        self.add(endpoint_seconds=share, cost_usd=share * self._price.per_endpoint_second)
