"""The installation of a soak: a lake and a queue on moto's server, a source's and SageMaker's stand-ins, one clock."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import boto3
import dagster as dg
import time_machine
import urllib3
from moto.server import ThreadedMotoServer

from benchmarks.soak_plan import TONES, WORKFLOW
from socialnlp_assets.cli.home import dagster_instance
from socialnlp_assets.definitions import (
    all_resources,
    installation_definitions,
    landing_definitions,
    workflow_definitions,
)
from socialnlp_assets.models.artefacts import Artefact
from socialnlp_assets.models.catalogue import ModelEntry, load_catalogue
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.records import Record
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker
from socialnlp_assets.resources.endpoints.sagemaker_resource import SageMakerEndpoints
from socialnlp_assets.resources.endpoints.terms import Terms
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.leases.s3 import S3Store
from socialnlp_assets.settings import Profile, Settings
from socialnlp_assets.sources.invented.messages import Raw
from socialnlp_assets.sources.sprinklr.stand_in import KEY, REFRESH_TOKEN, SECRET, FakeSprinklr
from socialnlp_assets.workflow import Workflow, load_workflows
from tests.fakes import aws_http
from tests.fakes.aws_errors import CAPACITY, AwsError
from tests.fakes.clock import VirtualClock
from tests.fakes.sagemaker import Creation, FakeSageMaker, Model

START = datetime(2026, 11, 2, tzinfo=UTC)
REGION = "eu-west-1"
STUCK = 0.1  # real seconds in which one who works holds up another who sleeps
FILE = f"""\
name: {WORKFLOW}
description: Posts, and what they sound like.
source: {{kind: sprinklr, languages: [en]}}
steps:
  sentiments: {{sentiment: sentiment, emotion: emotion}}
"""
FEELINGS = {"positive": "joy", "negative": "anger", "neutral": "optimism"}


class TravellingClock(VirtualClock):
    """The virtual clock, with which the time of this process goes: Dagster's, S3's and the queue's, too."""

    def __init__(self, traveller: Any) -> None:
        super().__init__(START, STUCK)
        self._traveller = traveller

    def _move_to(self, time_: datetime) -> None:
        self._traveller.move_to(time_)
        super()._move_to(time_)


class SoakEndpoints(SageMakerEndpoints):
    """Endpoints as in production, on the stand-in, waited for on the virtual clock."""

    world: ClassVar[World]

    def _artefact(self, model: str, entry: ModelEntry) -> Artefact:  # noqa: ARG002
        return Artefact(f"s3://models/{model}/model.tar.gz", "0" * 64)

    def _open(self) -> LeaseManager:
        terms, sleep = Terms(warm=timedelta(seconds=self.warm_seconds)), self.world.clock.sleep
        return LeaseManager(self.world.leases, self.world.backend, terms, self._owner, sleep)


@dataclass
class World:
    """What a plan's events act on, and what is looked at in the end."""

    folder: Path
    settings: Settings
    clock: TravellingClock
    sagemaker: FakeSageMaker
    source: FakeSprinklr
    instance: dg.DagsterInstance
    workflow: Workflow

    def __post_init__(self) -> None:
        SoakEndpoints.world = self
        # One of each for all runs: to make a client of AWS's takes longer than what it is asked.
        self.leases = S3Store(self.settings.leases, Record, region=REGION, endpoint_url=self.settings.aws_endpoint_url)
        self.backend = SageMaker(region=REGION, endpoint_url=self.sagemaker.url, sleep=self.clock.sleep)
        self.lake = build_lake(self.settings)
        self.endpoints = SoakEndpoints(**build_endpoints(self.settings).model_dump())
        self.resources = {"endpoints": self.endpoints, "lake": self.lake}  # that sensors ask for
        definitions = dg.Definitions.merge(
            landing_definitions([self.workflow], self.settings),
            workflow_definitions(self.workflow, self.settings),
            installation_definitions([self.workflow], self.settings),
            dg.Definitions(resources=all_resources(self.settings) | self.resources, executor=dg.in_process_executor),
        )
        self.repository = definitions.get_repository_def()
        self._sqs = boto3.client("sqs", region_name=REGION, endpoint_url=self.settings.aws_endpoint_url)
        self._down = 0

    # What happens

    def put(self, path: str, data: bytes) -> None:
        self.lake.put(path, data)

    def notify(self, hour: datetime) -> None:
        """Tell of a file of `hour` once more, as EventBridge does: at least once, and in no order."""
        key = f"platform/{Lake.landing_folder(WORKFLOW, hour)}/batch.json"
        body = json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": key, "etag": "x"}}})
        self._sqs.send_message(QueueUrl=self._queue, MessageBody=body)

    def lose_notifications(self) -> None:
        self._sqs.purge_queue(QueueUrl=self._queue)

    def creations_fail(self, fail: bool) -> None:
        self.sagemaker.creations = {"": Creation(failure=CAPACITY if fail else "")}

    def refuse(self, fault: str) -> None:
        """SageMaker refuses for a while what it is asked."""
        if fault == "no capacity":
            error = AwsError("ResourceLimitExceeded", "The account-level service limit is 0 Instances.")
            self.sagemaker.fault("CreateEndpoint", error=error, times=2)
            return
        for operation in ("CreateEndpoint", "DescribeEndpoint", "InvokeEndpoint", "DeleteEndpoint"):
            self.sagemaker.fault(operation, error=AwsError("ThrottlingException", "Rate exceeded"), times=2)

    def source_down(self, down: bool) -> None:
        self._down += 1 if down else -1
        self.source.faults.rate = float(self._down > 0)

    def after_run(self, ended: dg.ExecuteInProcessResult) -> None:
        """What the sensors of ended runs do."""
        run = ended.dagster_run
        what = "success" if ended.success else "failure"
        for sensor in (f"endpoints_after_{what}", f"hour_after_{what}"):
            with dg.build_run_status_sensor_context(
                sensor,
                ended.get_run_success_event() if ended.success else ended.get_run_failure_event(),
                self.instance,
                run,
                resources=self.resources,
            ) as context:
                self.repository.get_sensor_def(sensor)(context)

    # What there is in the end

    def waiting(self) -> int:
        """Messages in the queue, those that are hidden, too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=names)["Attributes"]
        return sum(map(int, found.values()))

    def output(self) -> dict[datetime, list[tuple[str, str]]]:
        """Of each hour the messages in the files of its output, as a plain glob reads them: id and sentiment."""
        found = defaultdict(list)
        for file in self.lake.objects(f"output/{WORKFLOW}"):
            hour = datetime.strptime("/".join(file.path.split("/")[-3:-1]), "date=%Y-%m-%d/hour=%H").replace(tzinfo=UTC)
            for row in self.lake.read_table(file.path, ["message_id", "sentiment"]).to_pylist():
                found[hour].append((row["message_id"], row["sentiment"]))
        return found

    @property
    def _queue(self) -> str:
        return self.settings.landing_queue.format(workflow=WORKFLOW)


@contextmanager
def new_world(folder: Path, messages: list[Raw]) -> Iterator[World]:
    """An installation at `START`, whose source has `messages`; meanwhile the time of this process is its time."""
    (folder / "workflows").mkdir()
    (folder / "workflows" / f"{WORKFLOW}.yaml").write_text(FILE)
    environment = {
        "DAGSTER_HOME": str(folder / "dagster"),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    source = FakeSprinklr(messages)
    source.faults.kinds = ("500",)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, environment))
        clock = TravellingClock(stack.enter_context(time_machine.travel(START, tick=False)))
        address, queue = _aws(stack)
        url = stack.enter_context(source.serve())
        (folder / "sources.yaml").write_text(
            f"sprinklr: {{url: '{url}', rest: {WORKFLOW}, patience_seconds: 0, first_pause_seconds: 0.01}}"
        )
        settings = Settings(
            profile=Profile.AWS,
            lake="s3://lake/platform",
            leases="s3://lake/leases",
            state=folder / "state",
            start=START,
            workflows=folder / "workflows",
            sources=folder / "sources.yaml",
            aws_region=REGION,
            aws_endpoint_url=address,
            sagemaker_role_arn="arn:aws:iam::123456789012:role/nlp",
            model_bucket="s3://models",
            endpoint_image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/nlp@sha256:1",
            landing_queue=queue.replace(WORKFLOW, "{workflow}"),
        )
        sagemaker = stack.enter_context(aws_http.serve(FakeSageMaker(clock.now)))
        sagemaker.models = {f"nlp-{name}-": _model(name) for name in ("sentiment", "emotion")}
        instance = stack.enter_context(dagster_instance())
        workflow = load_workflows(folder / "workflows")[WORKFLOW]
        yield World(folder, settings, clock, sagemaker, source, instance, workflow)


def _aws(stack: ExitStack) -> tuple[str, str]:
    """A new bucket that tells a new queue what lands: the address of both, and the queue's."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    stack.callback(server.stop)
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    urllib3.request("POST", f"{address}/moto-api/reset")  # moto's servers of one process share their state
    s3, sqs, secrets = (
        boto3.client(name, region_name=REGION, endpoint_url=address) for name in ("s3", "sqs", "secretsmanager")
    )
    for name, value in {"key": KEY, "secret": SECRET, "tokens": REFRESH_TOKEN}.items():
        secrets.create_secret(Name=f"socialnlp/sprinklr_{name}", SecretString=value)
    s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION})
    queue = sqs.create_queue(QueueName=f"landing-{WORKFLOW}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rules = [{"Name": "prefix", "Value": f"platform/landing/{WORKFLOW}/"}]
    told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": {"Key": {"FilterRules": rules}}}
    s3.put_bucket_notification_configuration(Bucket="lake", NotificationConfiguration={"QueueConfigurations": [told]})
    return address, queue


def _model(name: str) -> Model:
    """A model that knows the tones of the plan."""
    labels = load_catalogue()[name].labels

    def answer(body: bytes, _: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        rows = []
        for text in json.loads(body)["inputs"]:
            (tone,) = [tone for tone, said in TONES.items() if text.startswith(said[:10])]
            best = tone if name == "sentiment" else FEELINGS[tone]
            share = round(0.1 / (len(labels) - 1), 3)
            scores = {label: 0.9 if label == best else share for label in labels}
            rows.append([{"label": label, "score": score} for label, score in scores.items()])
        return 200, {}, json.dumps(rows).encode()

    return answer
