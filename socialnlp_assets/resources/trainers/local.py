"""`LocalTrainer`: the training program as a process of this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import Field

from socialnlp_assets.files import private_folder
from socialnlp_assets.models.artefacts import ARCHIVE
from socialnlp_assets.resources.trainers.trainer import Trained, Trainer, TrainingFailed, TrainingJob, figures_in

ENDING_SECONDS = 30.0  # that the program has to end in, once asked
NICE = 5  # hours are run beside it


class LocalTrainer(Trainer):
    """Trains in `state`, in a folder of the job's own: who asks again for a job that was interrupted goes on from its
    checkpoints."""

    state: str = Field(description="folder of this machine")
    python: str = Field(default="", description="interpreter with the extra `training`; empty: this one")

    model_bucket: str = Field(default="", description="s3:// prefix for archives, where SageMaker serves the models")
    region: str = Field(default="", description="AWS region of the bucket")
    endpoint_url: str = Field(default="", description="another address for S3, for tests")

    @contextmanager
    def train(self, job: TrainingJob, log: Callable[[str], None]) -> Iterator[Trained]:
        root = private_folder(Path(self.state) / "training" / f"{job.model}-{job.digest}")
        prepare(root, job)
        try:
            printed = self._run(root, log)
        except TrainingFailed:
            shutil.rmtree(root, ignore_errors=True)
            raise
        try:
            yield Trained(root / "model", figures_in(printed), *self._archived(root, job.model))
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _archived(self, root: Path, model: str) -> tuple[str, str]:
        """The address and the SHA-256 of the uploaded model.tar.gz; nothing where no endpoint on SageMaker needs it."""
        if not self.model_bucket:
            return "", ""
        from socialnlp_assets.models.packaging import write_archive
        from socialnlp_assets.models.packaging_source import digest

        archive = write_archive(root / "model", root / ARCHIVE)
        return upload_version(archive, self.model_bucket, model, self.region, self.endpoint_url), digest(archive)

    def _run(self, root: Path, log: Callable[[str], None]) -> list[str]:
        command = [self.python or sys.executable, "-m", "socialnlp_assets.training.container", "--root", str(root)]
        output = root / "log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
            )
            with suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
            try:
                code = process.wait()
            except BaseException:
                _end(process)
                raise
        lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines:
            log(line)
        if code:
            failure = root / "output" / "failure"
            told = failure.read_text(encoding="utf-8") if failure.exists() else "\n".join(lines[-5:])
            raise TrainingFailed(_remedy(told or f"it ended with {code}"))
        return lines


def upload_version(archive: Path, bucket: str, model: str, region: str, endpoint_url: str) -> str:
    """Put a version's model.tar.gz where endpoints on SageMaker find it, below its own digest; its s3:// address."""
    import boto3

    from socialnlp_assets.models.packaging_source import digest

    address = f"{bucket.rstrip('/')}/{model}/versions/{digest(archive)[:16]}/{ARCHIVE}"
    container, _, key = address.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3", region_name=region or None, endpoint_url=endpoint_url or None)
    s3.upload_file(str(archive), container, key)
    return address


def prepare(root: Path, job: TrainingJob) -> None:
    """Lay out what SageMaker gives a training container."""
    for name in ("model", "output"):
        shutil.rmtree(root / name, ignore_errors=True)
    channel, config = root / "input" / "data" / "train", root / "input" / "config"
    for folder in (channel, config):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in job.channel.items():
        (channel / name).write_bytes(data)
    (config / "hyperparameters.json").write_text(json.dumps(dict(job.hyperparameters)), encoding="utf-8")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _remedy(told: str) -> str:
    if "No module named" in told:
        extras = "engines,package" if any(name in told for name in ("torch", "transformers", "onnx")) else "training"
        return f"{told.splitlines()[-1]}; pip install 'socialnlp-assets[embedded,{extras}]'"
    return told
