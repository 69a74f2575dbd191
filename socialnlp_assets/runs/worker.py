"""A worker of Celery for runs, on a machine of several: with SOCIALNLP_BROKER naming the Redis that all of them reach,

    celery -A socialnlp_assets.runs.worker worker --concurrency 2 --max-tasks-per-child 1

It has the code location imported, and each run is a copy of it that ends with the run, as on one machine (`warm.py`).
Extra: celery.
"""

from __future__ import annotations

import gc
import os
from importlib import import_module
from typing import Any

from celery import Celery
from celery.signals import worker_init
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task

from socialnlp_assets.runs.warm import LIBRARIES
from socialnlp_assets.runs.workers import SETTINGS

BROKER = "SOCIALNLP_BROKER"
CODE = "socialnlp_assets.definitions"


def build_app(broker: str) -> Celery:
    """The app of a worker that takes runs from the Redis at `broker`, such as redis://:PASSWORD@HOST:6379/0."""
    app: Celery = make_app({"broker": broker, "backend": broker, "config_source": dict(SETTINGS)})
    create_execute_job_task(app)
    return app


@worker_init.connect  # type: ignore[untyped-decorator]
def _import_what_runs_need(**_: Any) -> None:
    for module in (*LIBRARIES, CODE):
        import_module(module)
    gc.freeze()  # so that collecting garbage in a copy does not copy every page of memory


if not os.environ.get(BROKER):
    raise SystemExit(f"{BROKER} must name the Redis that gives out runs, such as redis://:PASSWORD@HOST:6379/0")
os.environ.setdefault("SOCIALNLP_EXECUTOR", "in_process")  # Celery's processes may not have children
app = build_app(os.environ[BROKER])
