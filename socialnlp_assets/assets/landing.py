"""`landing`: the raw messages as delivered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from socialnlp_assets.workflow import Workflow


@dataclass
class Landing:
    """The landing assets with the jobs and schedules that pull them."""

    assets: list[Any] = field(default_factory=list)
    jobs: list[Any] = field(default_factory=list)
    schedules: list[Any] = field(default_factory=list)


def build_landing(workflows: Iterable[Workflow], partitions: dg.HourlyPartitionsDefinition) -> Landing:
    """The landing area of each workflow."""
    specs = [
        dg.AssetSpec(
            dg.AssetKey([workflow.name, "landing"]),
            group_name=workflow.name,
            partitions_def=partitions,
            kinds={"json"},
            description="The raw messages as delivered, in files of any accepted format.",
        )
        for workflow in workflows
    ]
    return Landing(assets=specs)
