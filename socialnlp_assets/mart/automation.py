"""When the mart is brought up to date, and what is made of it: soon after output was published, a few times an hour.

A schedule would build when nothing is new, and leave an hour that came late to the next one. What is published has
passed its blocking checks, for a step publishes nothing otherwise: Dagster's `all_deps_blocking_checks_passed` could
only let one bad hour of all hold up the rest.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

When = dg.AutomationCondition[Any]

AT = "*/20 * * * *"  # the workflows' hours end one after the other: a build for each would be most of what runs


def when_output_changes(lookback: timedelta) -> When:
    """An hour of the `lookback` was published since the last build was asked for, or that one failed. Older hours come
    with the next build: a backfill of a year asks for nothing."""
    condition = dg.AutomationCondition
    minute = condition.cron_tick_passed(AT)
    published = condition.any_deps_match(condition.newly_updated() & condition.in_latest_time_window(lookback))
    # Where both happen in one tick, `since` takes it for handled: what is published just after a build was asked for
    # would be in no build. So it counts until the next minute of `AT`.
    new = published | published.since(minute)
    # Not `since_last_handled`: what is published while the mart is built would be passed over, too.
    waits = new.since(condition.newly_requested() | condition.initial_evaluation())
    return ((waits | condition.execution_failed()) & minute & ~condition.in_progress()).with_label("output has changed")


def with_mart() -> When:
    """In the run that builds what it reads, after it."""
    asked_for = dg.AutomationCondition.will_be_requested()
    return dg.AutomationCondition.any_deps_match(asked_for).with_label("the mart is built")


def mart_automation(keys: Iterable[dg.AssetKey]) -> dg.AutomationConditionSensorDefinition:
    """The sensor that asks for `keys` by their conditions; on by default."""
    return dg.AutomationConditionSensorDefinition(
        "mart_automation",
        target=dg.AssetSelection.assets(*keys),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for the mart and the reports soon after output was published.",
    )
