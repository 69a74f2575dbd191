"""`WorkersRunLauncher`: Dagster's launcher for workers of Celery on several machines, which notices when one has died.

Named by `deploy/launcher-celery.yaml`; the workers are `worker.py`. Extra: celery.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

ANSWER_SECONDS = 5.0  # a worker answers at once: its own process only looks after those that run
SILENT_SECONDS = 60.0  # for which one that says nothing is not held for dead: it may look for a Redis that was away
PATIENCE = 15 * 60  # seconds without Redis for which whoever asks it goes on trying

SETTINGS: Mapping[str, Any] = {
    # A worker takes what it can run at once. What it had taken ahead would be lost with it for hours.
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    "task_track_started": True,
    "result_expires": 24 * 3600,
    # Without Redis a launch waits; Dagster would fail the run, and have tried all its retries within seconds.
    "task_publish_retry_policy": {"max_retries": PATIENCE // 5, "interval_step": 1, "interval_max": 5},
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # a run needs no Redis to go on
    "broker_transport_options": {"socket_keepalive": True},
}


class WorkersRunLauncher(CeleryRunLauncher):
    """Dagster's launcher for Celery, for which a run lives only while a worker says that it works on it.

    Dagster's own goes by what the last worker wrote, which is "started" for ever where that worker was killed.
    """

    def __init__(self, config_source: Mapping[str, Any] | None = None, **configuration: Any) -> None:
        super().__init__(config_source={**SETTINGS, **(config_source or {})}, **configuration)
        self._silent_since: dict[str, float] = {}  # by run, in monotonic seconds

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Raises where Redis is away, which Dagster's monitoring logs; it asks again later."""
        silent_since = self._silent_since.pop(run.run_id, None)
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if task is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "it was not started on a worker")
        state, worker = self._last_word(task)
        asked = self.celery.control.inspect([worker] if worker else None, timeout=ANSWER_SECONDS)
        answers: Mapping[str, Mapping[str, Any]] | None = asked.query_task(task)
        if answers and any(task in tasks for tasks in answers.values()):
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=worker)
        if not answers:
            now = monotonic()
            silent_since = now if silent_since is None else silent_since
            if now - silent_since < SILENT_SECONDS:
                self._silent_since[run.run_id] = silent_since
                return CheckRunHealthResult(WorkerStatus.RUNNING, f"{worker or 'no worker'} has not answered yet")
        said = "says nothing" if not answers else "does not work on it"
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"{worker or 'any worker'} {said}; last state: {state}")

    def terminate(self, run_id: str) -> bool:
        """Ask the run to end, as Ctrl-C would: it then leaves its endpoints. Whether there was one to be asked."""
        run = self._instance.get_run_by_id(run_id)
        task = run and run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if run is None or run.is_finished or task is None:
            return False
        self._instance.report_run_canceling(run)
        self.celery.AsyncResult(task).revoke(terminate=True, signal="SIGINT")
        return True

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,
        include_container_logs: bool | None = True,  # noqa: ARG002
    ) -> str | None:
        task = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        return f"task {task} of Celery" if task else None

    def _last_word(self, task: str) -> tuple[str, str | None]:
        """The state of `task` as its worker wrote it, and the worker. Redis may have forgotten both."""
        said = self.celery.backend.get_task_meta(task)
        result = said.get("result")
        return said["status"], result.get("hostname") if isinstance(result, dict) else None
