"""SageMaker's training jobs: a part of `FakeSageMaker` that runs them, by the contract for containers.

A job is a thread; what it trains with is the program of its `ContainerEntrypoint` as a process of this machine, in a
folder laid out as SageMaker lays out `/opt/ml`, with its channels and checkpoints from the fake S3.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.fakes.aws_errors import ACCOUNT, REGION, AwsError
from tests.fakes.s3 import FakeS3

CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
PROGRAM = "socialnlp_assets.training.container"
Program = Callable[[Path], int]  # given the root, the exit status


@dataclass
class Fate:
    """How matching jobs go."""

    failure: str = ""  # FailureReason, without anything being run
    stopped: str = ""  # SecondaryStatus of a job whose time is up before it has begun
    interrupt_when: str = ""  # a file below the root, on whose appearance the spot instance is taken away, once
    program: Program | None = None  # in place of a process


@dataclass
class Job:
    request: dict[str, Any]
    status: str = "InProgress"
    secondary: str = "Starting"
    failure: str = ""
    lines: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=lambda: ["Starting"])
    process: subprocess.Popen[bytes] | None = None
    is_stopping: bool = False
    thread: threading.Thread | None = None

    def go_to(self, status: str, secondary: str, failure: str = "") -> None:
        self.secondary, self.failure = secondary, failure
        self.history.append(secondary)
        self.status = status  # last: who reads it wants the others


class TrainingJobs:
    """`s3` has the channels and gets the models; `fates` maps regular expressions of jobs' names."""

    def __init__(self) -> None:
        self.s3 = FakeS3()
        self.jobs: dict[str, Job] = {}
        self.fates: dict[str, Fate] = {}
        self.training_limit = 10

    def _create_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["TrainingJobName"]
        arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"
        if name in self.jobs:
            raise AwsError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({arn})",
            )
        kind = request["ResourceConfig"]["InstanceType"]
        used = sum(job.status == "InProgress" for job in self.jobs.values())
        if used >= self.training_limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind} for training job usage' is {self.training_limit} Instances, "
                f"with current utilization of {used} Instances and a request delta of 1 Instances.",
            )
        limits = request["StoppingCondition"]
        if request.get("EnableManagedSpotTraining"):
            if limits.get("MaxWaitTimeInSeconds", 0) < limits["MaxRuntimeInSeconds"]:
                raise AwsError("ValidationException", "MaxWaitTimeInSeconds must be at least MaxRuntimeInSeconds")
        elif "MaxWaitTimeInSeconds" in limits:
            raise AwsError("ValidationException", "MaxWaitTimeInSeconds is only for managed spot training")
        if long := [key for key, value in request["HyperParameters"].items() if len(value) > 2500]:
            raise AwsError("ValidationException", f"the hyperparameter {long[0]} has more than 2500 characters")
        job = self.jobs[name] = Job(request)
        job.thread = threading.Thread(target=self._run, args=(job,), name=name, daemon=True)
        job.thread.start()
        return {"TrainingJobArn": arn}

    def _describe_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._job(request)
        name = job.request["TrainingJobName"]
        answer: dict[str, Any] = {
            **job.request,
            "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}",
            "TrainingJobStatus": job.status,
            "SecondaryStatus": job.secondary,
            "CreationTime": time.time(),
            "ModelArtifacts": {"S3ModelArtifacts": self._artefact(job)},
            "FinalMetricDataList": _metrics(job) if job.status == "Completed" else [],
        }
        return answer | ({"FailureReason": job.failure} if job.failure else {})

    def _stop_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._job(request)
        if job.status == "InProgress":
            job.is_stopping = True
            job.go_to("Stopping", "Stopping")
            if job.process:
                job.process.send_signal(signal.SIGTERM)
        return {}

    def _filter_log_events(self, request: dict[str, Any]) -> dict[str, Any]:
        """CloudWatch Logs."""
        name = request["logStreamNamePrefix"].rstrip("/")
        lines = self.jobs[name].lines if name in self.jobs else []
        if not lines:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        start = int(request.get("nextToken", 0))
        events = [
            {"eventId": f"{name}-{number}", "message": line, "timestamp": number}
            for number, line in enumerate(lines[start : start + 5], start)
        ]
        more = {"nextToken": str(start + 5)} if start + 5 < len(lines) else {}
        return {"events": events, **more}

    def _job(self, request: dict[str, Any]) -> Job:
        if request["TrainingJobName"] not in self.jobs:
            raise AwsError("ValidationException", "Requested resource not found.")
        return self.jobs[request["TrainingJobName"]]

    # What happens on the instance

    def _run(self, job: Job) -> None:
        name = job.request["TrainingJobName"]
        fate = next((fate for pattern, fate in self.fates.items() if re.search(pattern, name)), Fate())
        if fate.failure:
            job.go_to("Failed", "Failed", fate.failure)
            return
        if fate.stopped:
            job.go_to("Stopped", fate.stopped)
            return
        with tempfile.TemporaryDirectory() as scratch:
            code = self._train(job, fate, Path(scratch) / "first")
            if code == INTERRUPTED:
                job.go_to("InProgress", "Interrupted")
                code = self._train(job, Fate(program=fate.program), Path(scratch) / "second")
            if job.is_stopping:
                job.go_to("Stopped", "Stopped")
            elif code:
                job.go_to("Failed", "Failed", f"AlgorithmError: {self._reason}, exit code: {code}")
            else:
                job.go_to("Completed", "Completed")

    _reason = ""

    def _train(self, job: Job, fate: Fate, root: Path) -> int:
        job.go_to(job.status, "Downloading")
        self._lay_out(job, root)
        job.go_to(job.status, "Training")
        if "/blazingtext:" in job.request["AlgorithmSpecification"]["TrainingImage"]:
            code = blazingtext(root)
        else:
            code = fate.program(root) if fate.program else self._process(job, fate, root)
        self._sync(root / "checkpoints", job.request["CheckpointConfig"]["S3Uri"])
        failure = root / "output" / "failure"
        self._reason = failure.read_text() if failure.exists() else ""
        if not code and not job.is_stopping:
            job.go_to(job.status, "Uploading")
            packed = BytesIO()
            with tarfile.open(fileobj=packed, mode="w:gz") as archive:
                for path in sorted((root / "model").rglob("*")):
                    archive.add(path, path.relative_to(root / "model"), recursive=False)
            self.s3.objects[_path(self._artefact(job))] = packed.getvalue()
        return code

    def _process(self, job: Job, fate: Fate, root: Path) -> int:
        entry = job.request["AlgorithmSpecification"]["ContainerEntrypoint"]
        assert entry == ["python", "-m", PROGRAM], entry
        job.process = subprocess.Popen(
            [sys.executable, *entry[1:], "--root", str(root)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        lines = job.process.stdout
        assert lines is not None
        reader = threading.Thread(target=lambda: job.lines.extend(map(_line, lines)), daemon=True)
        reader.start()
        was_taken = False
        while job.process.poll() is None:
            if fate.interrupt_when and not was_taken and list(root.glob(fate.interrupt_when)):
                job.process.send_signal(signal.SIGTERM)
                was_taken = True
            time.sleep(0.02)
        reader.join(10)
        return INTERRUPTED if was_taken else job.process.returncode

    def _lay_out(self, job: Job, root: Path) -> None:
        for channel in job.request["InputDataConfig"]:
            source = channel["DataSource"]["S3DataSource"]["S3Uri"]
            self._fetch(source, root / "input" / "data" / channel["ChannelName"])
        self._fetch(job.request["CheckpointConfig"]["S3Uri"], root / "checkpoints")
        (root / "input" / "config").mkdir(parents=True)
        (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(job.request["HyperParameters"]))
        (root / "model").mkdir()

    def _fetch(self, address: str, folder: Path) -> None:
        prefix = _path(address) + "/"
        folder.mkdir(parents=True)
        for path, data in list(self.s3.objects.items()):
            if path.startswith(prefix):
                target = folder / path.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)

    def _sync(self, folder: Path, address: str) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.s3.objects[f"{_path(address)}/{path.relative_to(folder)}"] = path.read_bytes()
        shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _artefact(job: Job) -> str:
        place = job.request["OutputDataConfig"]["S3OutputPath"]
        return f"{place}/{job.request['TrainingJobName']}/output/model.tar.gz"


INTERRUPTED = -1000


def blazingtext(root: Path) -> int:
    """AWS's container, as far as its contract goes: the channels train and validation in, a `model.bin` out."""
    import fasttext

    given = json.loads((root / "input" / "config" / "hyperparameters.json").read_text())
    if given["early_stopping"] == "True" and not list((root / "input" / "data" / "validation").iterdir()):
        return 1
    model = fasttext.train_supervised(
        str(next((root / "input" / "data" / "train").iterdir())), epoch=int(given["epochs"]), dim=8, minCount=1,
        lr=0.5, bucket=1000, thread=1, verbose=0,
    )  # fmt: skip
    model.save_model(str(root / "model" / "model.bin"))
    return 0


def _metrics(job: Job) -> list[dict[str, Any]]:
    found = {}
    for definition in job.request["AlgorithmSpecification"].get("MetricDefinitions", []):
        for line in job.lines:
            for value in re.findall(definition["Regex"], line):
                found[definition["Name"]] = float(value)
    return [{"MetricName": name, "Value": value, "Timestamp": 0} for name, value in found.items()]


def _line(data: bytes) -> str:
    return data.decode(errors="replace").rstrip("\n")


def _path(address: str) -> str:
    return "/" + address.removeprefix("s3://").rstrip("/")
