"""Endpoints on Amazon SageMaker: real-time, serverless and asynchronous ones, through boto3 alone.

An endpoint has a model entity and an endpoint configuration of its own, of the same name, epoch included: whoever
removes them, however late, cannot take them from under a successor. What AWS answers is read in `aws_errors`.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.aws_errors import calling, failed_asynchronously, invoking
from socialnlp_assets.resources.endpoints.backend import (
    MAX_BODY_BYTES,
    AlreadyExists,
    BackendError,
    Description,
    EndpointError,
    EndpointGone,
    EndpointSpec,
    InvocationTimeout,
    NoCapacity,
    Reply,
    Status,
    Throttled,
)
from socialnlp_assets.settings import Settings

VARIANT = "AllTraffic"
JSON = "application/json"
# Requests that one instance works on (or that wait for it, asynchronously) before another is added; the predictor
# keeps four in flight.
REQUESTS_PER_INSTANCE = 4.0
TRIES = 4
_SESSION = threading.Lock()  # clients are safe to share, making them is not
ASYNC_SECONDS = 900.0  # how long an asynchronous answer may take

logger = logging.getLogger(__name__)


def specification(name: str, entry: ModelEntry, settings: Settings, store: str) -> EndpointSpec:
    """What the catalogue and the settings say about the production endpoint of a model, leased by `store`.

    Raises ValueError naming the settings that are missing.
    """
    missing = [
        field for field in ("sagemaker_role_arn", "model_bucket", "endpoint_image") if not getattr(settings, field)
    ]
    if missing:
        names = ", ".join(f"SOCIALNLP_{field.upper()}" for field in missing)
        raise ValueError(f"endpoints on SageMaker need {names}")
    shape = entry.aws.endpoint
    artefact = f"{settings.model_bucket.rstrip('/')}/{name}/{entry.aws.revision or 'latest'}"
    config: dict[str, Any] = {
        "image": settings.endpoint_image,
        "role": settings.sagemaker_role_arn,
        # One archive holds every target; stock multi-model containers want a folder with one archive a target.
        "model_data": f"{artefact}/" if shape.multi_model else f"{artefact}/model.tar.gz",
        "multi_model": shape.multi_model,
    }
    if shape.kind == "serverless":
        config |= {"memory_mb": shape.memory_mb, "max_concurrency": shape.max_concurrency}
    else:
        config |= {"instance_type": shape.instance_type, "instances": [shape.min_instances, shape.max_instances]}
    if shape.kind == "async":
        config["exchange"] = f"{settings.model_bucket.rstrip('/')}/exchange/{name}"
    return EndpointSpec.of(name, shape.kind, config, store, settings.endpoint_prefix)


class SageMaker:
    """`EndpointBackend` over SageMaker. Retries nothing that anybody waits for: that is the callers' part."""

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str | None = None,
        read_timeout: float = 70.0,  # the runtime gives up on a model after 60 s, and says so
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        from botocore.config import Config

        # One request is one try: the SDK would ask a model again that is still busy with the first.
        config = Config(
            connect_timeout=5,
            read_timeout=read_timeout,
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
        )
        with _SESSION:
            client = partial(_session(region).client, endpoint_url=endpoint_url, config=config)
            self._control = client("sagemaker")
            self._runtime = client("sagemaker-runtime")
            self._scaling = client("application-autoscaling")
            self._s3 = client("s3")
        self._sleep = sleep
        self._now = now
        self._exchanges: dict[str, str] = {}  # endpoint -> where its asynchronous answers go; "" where it is not
        self._multi_model: dict[str, bool] = {}  # endpoint -> whether its container takes TargetModel

    # The life of an endpoint

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        config = spec.config
        container = {"Image": config["image"], "ModelDataUrl": config["model_data"], "Mode": "SingleModel"}
        if config.get("multi_model"):
            container["Mode"] = "MultiModel"
        asynchronous = {}
        if spec.kind == "async":
            container["Environment"] = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": str(MAX_BODY_BYTES["async"] // 1024**2)}
            output = {"S3OutputPath": f"{config['exchange']}/out", "S3FailurePath": f"{config['exchange']}/failed"}
            asynchronous = {"AsyncInferenceConfig": {"OutputConfig": output}}
        with suppress(AlreadyExists), calling(f"create the model {name}"):
            self._control.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=config["role"])
        with suppress(AlreadyExists), calling(f"create the endpoint configuration {name}"):
            self._control.create_endpoint_config(
                EndpointConfigName=name, ProductionVariants=[_variant(name, spec)], **asynchronous
            )
        try:
            with calling(f"create {name}"):
                listed = [{"Key": key, "Value": value} for key, value in tags.items()]
                self._control.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=listed)
        except (NoCapacity, BackendError):  # nobody will delete an endpoint that never was, and these with it
            self._forget(name)
            raise

    def describe(self, name: str) -> Description | None:
        try:
            with calling(f"describe {name}"):
                found = self._control.describe_endpoint(EndpointName=name)
                return _description(found, self._tags(found["EndpointArn"]))
        except EndpointGone:
            return None

    def list(self, prefix: str) -> list[Description]:
        descriptions = []
        with calling("list endpoints"):
            for page in self._control.get_paginator("list_endpoints").paginate(NameContains=prefix):
                for found in page["Endpoints"]:
                    if not found["EndpointName"].startswith(prefix):
                        continue
                    try:
                        with calling("list tags"):
                            descriptions.append(_description(found, self._tags(found["EndpointArn"])))
                    except EndpointGone:  # it went while we looked
                        continue
        return descriptions

    def delete(self, name: str) -> None:
        with calling(f"delete {name}"):
            self._control.delete_endpoint(EndpointName=name)
        deregister = partial(self._scaling.deregister_scalable_target, **_scalable_target(name))
        self._try(f"stop scaling {name}", deregister)
        self._forget(name)

    def _forget(self, name: str) -> None:
        """Remove what stands behind an endpoint. It costs nothing: that it cannot be removed is only told."""
        for what, remove in (
            ("delete the configuration of", partial(self._control.delete_endpoint_config, EndpointConfigName=name)),
            ("delete the model of", partial(self._control.delete_model, ModelName=name)),
        ):
            self._try(f"{what} {name}", remove)

    def touch(self, name: str) -> None:
        """Nothing to do: an endpoint on SageMaker does not end by itself."""

    # What belongs to an endpoint

    def _tags(self, arn: str) -> dict[str, str]:
        pages = self._control.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def scale(self, name: str, spec: EndpointSpec) -> None:
        least, most = spec.config.get("instances", (1, 1))
        if least == most:
            return
        target = _scalable_target(name)
        policy = {
            "PolicyName": "load",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": REQUESTS_PER_INSTANCE, **_load(name, spec)},
        }

        def scale() -> None:  # again, it changes nothing
            self._scaling.register_scalable_target(**target, MinCapacity=least, MaxCapacity=most)
            self._scaling.put_scaling_policy(**target, **policy)

        self._try(f"scale {name}", scale)

    def _try(self, what: str, request: Callable[[], object]) -> None:
        """For what an endpoint can do without: tried some times, and a failure is only logged."""
        for attempt in range(TRIES):
            try:
                with calling(what):
                    request()
                return
            except EndpointGone:  # there is nothing to remove
                return
            except Throttled as error:
                problem: EndpointError = error
            except EndpointError as error:
                problem = error
                break
            self._sleep(2**attempt)
        logger.warning("%s", problem)

    # Invocations

    def invoke(self, name: str, body: bytes, *, target: str | None = None) -> Reply:
        extra = self._targeting(name, target) if target else {}
        if self._exchange(name):
            return self._invoke_asynchronously(name, body, extra)
        with invoking(name):
            answer = self._runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=JSON, **extra)
            headers = {k.lower(): v for k, v in answer["ResponseMetadata"]["HTTPHeaders"].items()}
            return Reply(answer["Body"].read(), headers)

    def _targeting(self, name: str, target: str) -> dict[str, str]:
        if name not in self._multi_model:
            with invoking(name):
                model = self._control.describe_model(ModelName=name)
                self._multi_model[name] = model["PrimaryContainer"].get("Mode") == "MultiModel"
        # Only multi-model endpoints accept TargetModel, and serverless ones cannot be multi-model.
        if self._multi_model[name]:
            return {"TargetModel": f"{target}.tar.gz"}
        return {"CustomAttributes": f"target={target}"}

    def _exchange(self, name: str) -> str:
        if name not in self._exchanges:
            with invoking(name):
                found = self._control.describe_endpoint(EndpointName=name)
            output = found.get("AsyncInferenceConfig", {}).get("OutputConfig", {}).get("S3OutputPath", "")
            self._exchanges[name] = output.removesuffix("/out")
        return self._exchanges[name]

    def _invoke_asynchronously(self, name: str, body: bytes, extra: dict[str, str]) -> Reply:
        """Input and answer go through S3; neither stays there."""
        question = f"{self._exchange(name)}/in/{uuid.uuid4().hex}"
        exchanged = [question]
        try:
            with invoking(name):
                self._s3.put_object(**_object(question), Body=body)
                asked = self._runtime.invoke_endpoint_async(
                    EndpointName=name, InputLocation=question, ContentType=JSON, **extra
                )
            answer, failure = asked["OutputLocation"], asked["FailureLocation"]
            exchanged += [answer, failure]
            give_up, pause = self._now() + ASYNC_SECONDS, 0.5
            while self._now() < give_up:
                if (reply := self._read(name, answer)) is not None:
                    return Reply(reply)
                if (reason := self._read(name, failure)) is not None:
                    raise failed_asynchronously(name, reason)
                self._sleep(pause)
                pause = min(10.0, pause * 1.5)
            raise InvocationTimeout(f"{name} did not answer in {ASYNC_SECONDS:.0f} s")
        finally:
            for location in exchanged:
                self._try(f"delete {location}", partial(self._s3.delete_object, **_object(location)))

    def _read(self, name: str, location: str) -> bytes | None:
        with invoking(name):
            try:
                return bytes(self._s3.get_object(**_object(location))["Body"].read())
            except self._s3.exceptions.NoSuchKey:
                return None


@cache
def _session(region: str) -> Any:
    """One session a process: reading the descriptions of AWS's services takes the most of a second."""
    import boto3

    return boto3.session.Session(region_name=region)


def _variant(name: str, spec: EndpointSpec) -> dict[str, Any]:
    variant: dict[str, Any] = {"VariantName": VARIANT, "ModelName": name}
    if spec.kind == "serverless":
        memory, concurrency = spec.config["memory_mb"], spec.config["max_concurrency"]
        return variant | {"ServerlessConfig": {"MemorySizeInMB": memory, "MaxConcurrency": concurrency}}
    return variant | {
        "InstanceType": spec.config["instance_type"],
        "InitialInstanceCount": spec.config["instances"][0],
    }


def _description(found: Mapping[str, Any], tags: Mapping[str, str]) -> Description:
    return Description(
        name=found["EndpointName"],
        status=Status(found["EndpointStatus"]),
        reason=found.get("FailureReason", ""),
        created_at=found["CreationTime"].astimezone(UTC),
        tags=tags,
    )


def _scalable_target(name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _load(name: str, spec: EndpointSpec) -> dict[str, Any]:
    """The metric that the number of instances follows."""
    if spec.kind == "async":
        backlog = {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": "AWS/SageMaker",
            "Dimensions": [{"Name": "EndpointName", "Value": name}],
            "Statistic": "Average",
        }
        return {"CustomizedMetricSpecification": backlog}
    requests = {"PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"}
    return {"PredefinedMetricSpecification": requests}


def _object(location: str) -> dict[str, str]:
    parts = urlsplit(location)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
