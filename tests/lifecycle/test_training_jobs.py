"""Training jobs on SageMaker: the SDK's resource layer over HTTP, against a stand-in that runs what they ask for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from socialnlp_assets.models.catalogue import TrainingShape
from socialnlp_assets.resources.trainers import sagemaker
from socialnlp_assets.resources.trainers.sagemaker import SageMakerTrainer
from socialnlp_assets.resources.trainers.trainer import TrainingFailed, TrainingJob
from socialnlp_assets.serving.loaded_model import Model
from tests.fakes import aws_http
from tests.fakes.aws_errors import throttling
from tests.fakes.sagemaker import FakeSageMaker
from tests.fakes.training_jobs import CAPACITY, Fate
from tests.lifecycle.conftest import rows

ROLE, IMAGE = "arn:aws:iam::123456789012:role/nlp", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/train@sha256:ab"
TEXTS = "".join(f"__label__{label} {text}\n" for text, label in rows(60)).encode()
MOOD = TrainingJob("mood", {"model": "mood", "labels": '["good", "bad"]', "seed": "3"}, {"texts.txt": TEXTS})


@dataclass
class Cloud:
    fake: FakeSageMaker
    trainer: SageMakerTrainer
    printed: list[str] = field(default_factory=list)

    def train(self, job: TrainingJob = MOOD) -> tuple[dict[str, bytes], dict[str, float], str]:
        """The files of the model, its figures, and where its archive lies."""
        with self.trainer.train(job, self.printed.append) as trained:
            files = {path.relative_to(trained.folder).as_posix(): path.read_bytes() for path in _files(trained.folder)}
            if "linear.npz" in files:
                assert Model.load(trained.folder, threads=1).task.name == "text-classification"
            return files, dict(trained.figures), trained.archive

    @property
    def only(self) -> str:
        (name,) = self.fake.jobs
        return name

    @property
    def names(self) -> list[str]:
        return [name.rpartition("-")[2] for name in self.fake.jobs]

    def history(self, number: int = 0) -> list[str]:
        return list(self.fake.jobs.values())[number].history


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeSageMaker]:
    with aws_http.serve(FakeSageMaker()) as fake:
        yield fake


@pytest.fixture
def cloud(fake: FakeSageMaker, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """At one address for all tests, for the SDK takes a second to make its clients."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    fake.__dict__.update(FakeSageMaker().__dict__ | {"url": fake.url})
    trainer = SageMakerTrainer(
        image=IMAGE, role_arn=ROLE, model_bucket="s3://bucket/models", region="eu-west-1", endpoint_url=fake.url,
        poll_seconds=0.05,
    )  # fmt: skip
    return Cloud(fake, trainer)


def test_a_job_trains_in_our_image_and_its_archive_is_the_model(cloud: Cloud) -> None:
    files, figures, archive = cloud.train()
    assert {"linear.npz", "model.json"} <= files.keys()
    assert figures["train_texts"] == 60
    assert any("train_texts=60;" in line for line in cloud.printed)
    (job,) = cloud.fake.jobs.values()
    assert job.history == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job.request["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert job.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 18000}
    assert (
        archive == f"s3://bucket/models/mood/training/{archive.split('/')[6]}/output/{cloud.only}/output/model.tar.gz"
    )
    assert cloud.train()[::2] == (files, archive)  # the same was trained already
    assert len(cloud.fake.jobs) == 1


def quick(root: Path) -> int:
    """A program that is done at once."""
    (root / "model" / "model.json").write_text("{}")
    return 0


@pytest.mark.parametrize(
    ("fate", "told"),
    [
        (Fate(failure=CAPACITY), "InsufficientInstanceCapacity.*; ask again later, or for another instance_type"),
        (
            Fate(stopped="MaxWaitTimeExceeded"),
            "MaxWaitTimeExceeded; no spot instance was to be had .*: say spot: false",
        ),
        (Fate(stopped="MaxRuntimeExceeded"), "MaxRuntimeExceeded; allow more max_minutes"),
    ],
)
def test_what_a_job_ended_with_is_told_and_the_next_one_is_another(cloud: Cloud, fate: Fate, told: str) -> None:
    cloud.fake.fates = {"-1$": fate, "": Fate(program=quick)}
    with pytest.raises(TrainingFailed, match=told):
        cloud.train()
    assert cloud.train()[0] == {"model.json": b"{}"}
    assert cloud.names == ["1", "2"]


def test_what_the_program_says_is_the_reason(cloud: Cloud) -> None:
    given = {**MOOD.hyperparameters, "recipe": "magic"}
    with pytest.raises(
        TrainingFailed, match=r"AlgorithmError: hyperparameter recipe=magic: there are linear, .*code: 1"
    ):
        cloud.train(TrainingJob("mood", given, MOOD.channel))


def test_no_quota_is_told_at_once(cloud: Cloud) -> None:
    cloud.fake.training_limit = 0
    with pytest.raises(TrainingFailed, match=r"service limit.*Ask AWS for a higher quota.*; or ask again later"):
        cloud.train()


def test_throttling_and_a_lost_answer_are_waited_out(cloud: Cloud) -> None:
    cloud.fake.fates = {"": Fate(program=quick)}
    cloud.fake.fault("DescribeTrainingJob", error=throttling(), times=2)
    cloud.fake.fault("CreateTrainingJob", lost=True)  # asked again, it is there already
    assert cloud.train()[0] == {"model.json": b"{}"}
    assert cloud.names == ["1"]


def test_a_job_on_a_spot_instance_goes_on_with_what_was_finished(cloud: Cloud) -> None:
    given = {"model": "reviews", "task": "aspects", "labels": '["good", "bad"]', "targets": '["price", "place"]'}
    cloud.fake.fates = {"": Fate(interrupt_when="checkpoints/finished-price.json")}
    files, _, _ = cloud.train(TrainingJob("reviews", given, {"price.txt": TEXTS, "place.txt": TEXTS}))
    assert {"price/linear.npz", "place/linear.npz"} <= files.keys()
    assert cloud.history()[1:6] == ["Downloading", "Training", "Interrupted", "Downloading", "Training"]
    assert sum("train_texts=60;" in line for line in cloud.printed) >= 2  # of each target


def test_a_run_that_is_cancelled_stops_its_job(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    cloud.fake.fates = {"-1$": Fate(program=lambda _: int(ended.wait(30))), "": Fate(program=quick)}

    def cancelled(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sagemaker.time, "sleep", cancelled)
    with pytest.raises(KeyboardInterrupt):
        cloud.train()
    monkeypatch.undo()
    ended.set()
    (job,) = cloud.fake.jobs.values()
    assert job.thread
    job.thread.join(30)
    assert job.history[-2:] == ["Stopping", "Stopped"]


def test_without_spot_no_time_is_spent_on_waiting_for_one(cloud: Cloud) -> None:
    cloud.fake.fates = {"": Fate(program=quick)}
    cloud.train(TrainingJob("mood", MOOD.hyperparameters, MOOD.channel, TrainingShape(spot=False, max_minutes=5)))
    (job,) = cloud.fake.jobs.values()
    assert job.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 300}
    assert not job.request["EnableManagedSpotTraining"]


def test_blazingtext_trains_in_aws_own_container_and_our_server_reads_its_model(cloud: Cloud) -> None:
    given = {
        "model": "reviews", "recipe": "blazingtext", "task": "text-classification", "labels": '["good", "bad"]',
        "targets": '["price", "place"]', "seed": "0", "patience": "3",
    }  # fmt: skip
    job = TrainingJob("reviews", given, {"price.txt": TEXTS, "place.txt": TEXTS + b"__label__good fine\n"})
    with cloud.trainer.train(job, cloud.printed.append) as trained:
        for target in ("price", "place"):
            model = Model.load(trained.folder / target, threads=1)
            (scores,) = model.handler.predict(["ban glad great"], {}).results
            assert max(scores, key=scores.__getitem__) == "good"
        settings = json.loads((trained.folder / "model.json").read_text())
        assert settings["trained"]["channel"].keys() == {"price", "place"}
        assert trained.archive in {f"s3:/{path}" for path in cloud.fake.s3.objects}
        assert trained.figures["train_texts"] == 61
    requests = [each.request for each in cloud.fake.jobs.values()]
    assert len(requests) == 2
    sent = requests[0]["HyperParameters"]
    assert sent.items() >= {"mode": "supervised", "epochs": "30", "min_count": "3", "learning_rate": "0.02"}.items()
    assert sent["patience"] == "3"
    assert "labels" not in sent
    assert requests[0]["AlgorithmSpecification"].keys() == {"TrainingImage", "TrainingInputMode"}
    assert [channel["ChannelName"] for channel in requests[0]["InputDataConfig"]] == ["train", "validation"]
