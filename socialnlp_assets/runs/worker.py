"""A worker of Celery for runs, on a machine of several: with SOCIALNLP_BROKER naming the Redis that all of them reach,

    celery -A socialnlp_assets.runs.worker worker --concurrency 2 --max-tasks-per-child 1

It has the code location imported, and each run is a copy of it that ends with the run, as on one machine (`warm.py`).
Extra: celery.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task

from socialnlp_assets.runs import warm
from socialnlp_assets.runs.workers import SETTINGS

BROKER = "SOCIALNLP_BROKER"
CODE = "socialnlp_assets.definitions"


def build_app(broker: str) -> Celery:
    """The app of a worker that takes runs from the Redis at `broker`, such as redis://:PASSWORD@HOST:6379/0."""
    app: Celery = make_app({"broker": broker, "backend": broker, "config_source": dict(SETTINGS)})
    create_execute_job_task(app)
    return app


@worker_init.connect  # type: ignore[untyped-decorator]
def _load(**_: Any) -> None:
    warm.load([CODE])


if not os.environ.get(BROKER):
    raise SystemExit(f"{BROKER} must name the Redis that gives out runs, such as redis://:PASSWORD@HOST:6379/0")
os.environ.setdefault("SOCIALNLP_EXECUTOR", "in_process")  # Celery's processes may not have children
app = build_app(os.environ[BROKER])
