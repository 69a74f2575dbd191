"""`SageMakerTrainer`: the training program as a training job on SageMaker, in our image.

A job is named by all that decides what comes out of it, so that who asks again, after a run that was cut off, finds
it. Names are for ever: one that has failed or was stopped is followed by the next, which goes on from its checkpoints.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import Field

from socialnlp_assets.models.artefacts import ARCHIVE
from socialnlp_assets.models.packaging import write_archive
from socialnlp_assets.models.packaging_origin import PackagingError, unpack
from socialnlp_assets.models.packaging_source import digest
from socialnlp_assets.resources.endpoints.aws_errors import calling
from socialnlp_assets.resources.endpoints.backend import (
    AlreadyExists,
    EndpointError,
    EndpointGone,
    NoCapacity,
    Throttled,
)
from socialnlp_assets.resources.retry import retrying
from socialnlp_assets.resources.sagemaker_core import NotInstalled, blazingtext_image, open_session, resources
from socialnlp_assets.resources.trainers import blazingtext
from socialnlp_assets.resources.trainers.local import upload_version
from socialnlp_assets.resources.trainers.trainer import Trained, Trainer, TrainingFailed, TrainingJob

PROGRAM = ["python", "-m", "socialnlp_assets.training.container"]
METRICS = ("train_texts", "train_seconds", "train_accuracy", "train_precision", "train_recall", "train_loss")
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")
MOST_ATTEMPTS = 50
PATIENCE = 15 * 60.0  # seconds without an answer; the job goes on meanwhile
_OURS = {  # what our image runs, and how its figures are read; AWS's own know themselves
    "container_entrypoint": PROGRAM,
    "metric_definitions": [{"name": each, "regex": rf"{each}=(-?[0-9.]+(?:e-?\d+)?);"} for each in METRICS],
}
_REMEDIES = {
    "CapacityError": "ask again later, or for another instance_type (training.job in the catalogue)",
    "MaxRuntimeExceeded": "allow more max_minutes (training.job in the catalogue)",
    "MaxWaitTimeExceeded": "no spot instance was to be had so long: say spot: false (training.job in the catalogue)",
}


class SageMakerTrainer(Trainer):
    """Trains on SageMaker. Credentials are those that AWS's own tools find."""

    image: str = Field(description="container image that training jobs run")
    role_arn: str = Field(description="role that training jobs run as")
    model_bucket: str = Field(description="s3:// prefix for labels, checkpoints and models")
    prefix: str = Field(default="nlp", description="first part of every job's name")
    region: str = Field(default="", description="AWS region; empty: as AWS's own tools find it")
    endpoint_url: str = Field(default="", description="another address for all of AWS, for tests")
    poll_seconds: float = Field(default=15, description="between two looks at a job")

    @contextmanager
    def train(self, job: TrainingJob, log: Callable[[str], None]) -> Iterator[Trained]:
        try:
            with tempfile.TemporaryDirectory(prefix="socialnlp-trained-") as scratch:
                if job.hyperparameters.get("recipe") == blazingtext.RECIPE:
                    yield self._blazingtext(job, log, Path(scratch))
                else:
                    yield self._ours(job, log, Path(scratch))
        except (EndpointError, NotInstalled, PackagingError) as error:
            raise TrainingFailed(str(error)) from error

    def _ours(self, job: TrainingJob, log: Callable[[str], None], scratch: Path) -> Trained:
        archive, folder = scratch / ARCHIVE, scratch / "model"
        ended = self._end_of(job, log, self.image)
        address = self._fetch(ended, archive, folder)
        figures = {metric.metric_name: float(metric.value) for metric in ended.final_metric_data_list or ()}
        return Trained(folder, figures, address, digest(archive))

    def _blazingtext(self, job: TrainingJob, log: Callable[[str], None], scratch: Path) -> Trained:
        """AWS's own container; its archive is not the one that our server reads."""
        image, found = blazingtext_image(self.region), {}
        for target, single in blazingtext.jobs_of(job).items():
            found[target] = scratch / f"trained-{target}"
            self._fetch(self._end_of(single, log, image), scratch / f"{target}.tar.gz", found[target])
        folder = scratch / "model"
        figures = blazingtext.assemble(job, found, folder)
        archive = write_archive(folder, scratch / ARCHIVE)
        address = upload_version(archive, self.model_bucket, job.model, self.region, self.endpoint_url)
        return Trained(folder, figures, address, digest(archive))

    def _fetch(self, ended: Any, archive: Path, folder: Path) -> str:
        """Unpack what a job left behind; where it lies."""
        address = str(ended.model_artifacts.s3_model_artifacts)
        self._download(address, archive)
        unpack(archive, folder)
        return address

    # The life of a job

    def _end_of(self, job: TrainingJob, log: Callable[[str], None], image: str) -> Any:
        """Ask for the job, or find the one that was asked for before, and wait until it is completed."""
        found = self._asked_for(job, image)
        try:
            self._wait(found, log)
        except BaseException:
            with suppress(Exception):  # it costs until its time is up, and goes on from its checkpoints
                found.stop()
            raise
        status, why = found.training_job_status, _text(found.failure_reason)
        if status == "Completed":
            return found
        why = why or f"{status}, {_text(found.secondary_status)}"
        remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in why), "")
        raise TrainingFailed(f"{found.training_job_name}: {why}" + (f"; {remedy}" if remedy else ""))

    def _asked_for(self, job: TrainingJob, image: str) -> Any:
        content = f"{job.digest} {image} {job.shape!r}".encode()
        name = f"{self.prefix}-{job.model}-{sha256(content).hexdigest()[:12]}"
        place = f"{self.model_bucket.rstrip('/')}/{job.model}/training/{sha256(content).hexdigest()[:16]}"
        for attempt in range(1, MOST_ATTEMPTS):
            found = self._get(f"{name}-{attempt}")
            if found is None:
                self._upload(job.channel, place)
                return self._create(f"{name}-{attempt}", job, place, image)
            if found.training_job_status not in ("Failed", "Stopped", "Stopping"):
                return found
        raise TrainingFailed(f"{name} has failed {MOST_ATTEMPTS} times: change labels, hyperparameters or the job")

    def _create(self, name: str, job: TrainingJob, place: str, image: str) -> Any:
        shape, seconds = job.shape, job.shape.max_minutes * 60
        limits = {"max_runtime_in_seconds": seconds}
        if shape.spot:
            limits["max_wait_time_in_seconds"] = seconds + shape.spot_wait_minutes * 60
        request = {
            "role_arn": self.role_arn,
            "algorithm_specification": {
                "training_image": image,
                "training_input_mode": "File",
                **(_OURS if image == self.image else {}),
            },
            "hyper_parameters": dict(job.hyperparameters),
            "input_data_config": [_channel(place, name) for name in sorted({_folder(file) for file in job.channel})],
            "output_data_config": {"s3_output_path": f"{place}/output"},
            "resource_config": {
                "instance_type": shape.instance_type,
                "instance_count": 1,
                "volume_size_in_gb": shape.volume_gb,
            },
            "stopping_condition": limits,
            "enable_managed_spot_training": shape.spot,
            "checkpoint_config": {"s3_uri": f"{place}/checkpoints", "local_path": "/opt/ml/checkpoints"},
            "tags": [{"key": "socialnlp:model", "value": job.model}],
        }
        try:
            with calling(f"create the training job {name}"):
                return resources().TrainingJob.create(name, **request, **self._client)
        except AlreadyExists:  # another run was quicker
            found = self._get(name)
            if found is None:
                raise
            return found
        except NoCapacity as error:
            raise TrainingFailed(f"{error}; or {_REMEDIES['CapacityError']}") from error

    def _get(self, name: str) -> Any:
        try:
            with calling(f"describe the training job {name}"):
                return resources().TrainingJob.get(name, **self._client)
        except EndpointGone:
            return None

    def _wait(self, job: Any, log: Callable[[str], None]) -> None:
        shown: set[str] = set()
        while True:
            is_over = job.training_job_status in ENDED
            for line in self._lines(job.training_job_name, shown):
                log(line)
            if is_over:
                return
            time.sleep(self.poll_seconds)
            for attempt in retrying(Throttled, patience=PATIENCE):
                with attempt, calling(f"describe the training job {job.training_job_name}"):
                    job.refresh()

    def _lines(self, name: str, shown: set[str]) -> Iterator[str]:
        """What the program has printed since the last call."""
        logs = self._session.client("logs", region_name=self.region or None)
        pages = logs.get_paginator("filter_log_events")
        with suppress(logs.exceptions.ResourceNotFoundException):  # nothing was printed yet
            for page in pages.paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/"):
                for event in page["events"]:
                    if event["eventId"] not in shown:
                        shown.add(event["eventId"])
                        yield event["message"]

    # Files

    @property
    def _session(self) -> Any:
        return open_session(self.region, self.endpoint_url)

    @property
    def _client(self) -> dict[str, Any]:
        return {"session": self._session, "region": self.region or None}

    def _upload(self, channel: Mapping[str, bytes], place: str) -> None:
        with calling(f"write {place}"):
            for name, data in channel.items():
                bucket, _, key = place.removeprefix("s3://").partition("/")
                file = f"{_folder(name)}/{name.rpartition('/')[2]}"
                self._s3.put_object(Bucket=bucket, Key=f"{key}/{file}", Body=data)

    def _download(self, address: str, path: Path) -> None:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        with calling(f"read {address}"), path.open("wb") as file:
            for block in self._s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(1 << 20):
                file.write(block)

    @property
    def _s3(self) -> Any:
        return self._session.client("s3", region_name=self.region or None)


def _folder(file: str) -> str:
    """The channel that a file belongs to; one that names none is to be learned from."""
    return file.partition("/")[0] if "/" in file else "train"


def _channel(place: str, name: str) -> dict[str, Any]:
    source = {"s3_data_type": "S3Prefix", "s3_uri": f"{place}/{name}", "s3_data_distribution_type": "FullyReplicated"}
    return {"channel_name": name, "data_source": {"s3_data_source": source}, "content_type": "text/plain"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""  # else the SDK's word for "not assigned"
