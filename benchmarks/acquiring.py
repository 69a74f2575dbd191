"""Acquiring an endpoint that is in service, beside an endpoint deployed for each step and cleaned up after it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.measure import Figure
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.settings import Settings

MODEL, ROUNDS, DEPLOYMENTS = "sentiment", 200, 3
RIVAL = "deployed for each step"


def acquiring() -> list[Figure]:
    """Milliseconds until a step may predict: joined while another step holds it, and from nothing."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(state=Path(name))
        with build_endpoints(settings) as endpoints:
            try:
                deployed = []
                for _ in range(DEPLOYMENTS):
                    deployed.append(milliseconds(endpoints))
                    endpoints.stop(MODEL, force=True)
                with endpoints.lease(MODEL):
                    joined = [milliseconds(endpoints) for _ in range(ROUNDS)]
            finally:
                endpoints.stop_all()
    ours, theirs = median(joined), median(deployed)
    return [Figure("acquiring an endpoint", RIVAL, round(ours, 2), round(theirs, 2), round(theirs / ours, 1), "ms")]


def milliseconds(endpoints: Endpoints) -> float:
    began = perf_counter()
    with endpoints.lease(MODEL):
        return 1000 * (perf_counter() - began)
