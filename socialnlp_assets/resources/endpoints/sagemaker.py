"""Endpoints on Amazon SageMaker: real-time, serverless and asynchronous ones, through boto3 alone.

A model, its endpoint configuration and the logical endpoint share one name, `EndpointSpec.key`, which holds
the hash of all that decides what would be created: they are immutable, and every epoch of the endpoint uses
the same two. What AWS answers is read in `aws_errors`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.aws_errors import calling, failed_asynchronously, invoking
from socialnlp_assets.resources.endpoints.protocol import (
    AlreadyExists,
    Description,
    EndpointGone,
    EndpointSpec,
    InvocationTimeout,
    Reply,
    Status,
)
from socialnlp_assets.settings import Settings

VARIANT = "AllTraffic"
JSON = "application/json"
# Requests that one instance works on before another is added; the predictor keeps four in flight.
REQUESTS_PER_INSTANCE = 4.0
_SESSION = threading.Lock()  # clients are safe to share, making them is not
ASYNC_SECONDS = 900.0  # how long an asynchronous answer may take
INSTANCES_TAG = "instances"  # the autoscaling bounds, "1-2": what describe needs to know to set them


def specification(name: str, entry: ModelEntry, settings: Settings) -> EndpointSpec:
    """What the catalogue and the settings say about the production endpoint of a model.

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
    digest = hashlib.sha256(json.dumps([shape.kind, config], sort_keys=True).encode()).hexdigest()
    return EndpointSpec(name, shape.kind, config, digest[:8], settings.endpoint_prefix)


class SageMaker:
    """`EndpointBackend` over SageMaker. Retries nothing: that is the callers' part."""

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
        self._scaled: set[str] = set()
        self._exchanges: dict[str, str] = {}  # endpoint -> where its asynchronous answers go; "" where it is not
        self._multi_model: dict[str, bool] = {}  # key -> whether the container takes TargetModel

    # The life of an endpoint

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        instances = spec.config.get("instances")
        all_tags = dict(tags) | ({INSTANCES_TAG: f"{instances[0]}-{instances[1]}"} if instances else {})
        listed = [{"Key": key, "Value": value} for key, value in all_tags.items()]
        self._ensure_config(spec)
        try:
            self._create(name, spec, listed)
        except EndpointGone:
            # The last user of the same configuration went, and took it along, between the two calls.
            self._ensure_config(spec)
            self._create(name, spec, listed)

    def _create(self, name: str, spec: EndpointSpec, tags: list[dict[str, str]]) -> None:
        with calling(f"create {name}"):
            self._control.create_endpoint(EndpointName=name, EndpointConfigName=spec.key, Tags=tags)

    def _ensure_config(self, spec: EndpointSpec) -> None:
        """The model and the configuration exist. The name holds the hash: what is there already is the same."""
        config = spec.config
        container = {"Image": config["image"], "ModelDataUrl": config["model_data"], "Mode": "SingleModel"}
        if config.get("multi_model"):
            container["Mode"] = "MultiModel"
        try:
            with calling(f"create the model {spec.key}"):
                self._control.create_model(
                    ModelName=spec.key, PrimaryContainer=container, ExecutionRoleArn=config["role"]
                )
        except AlreadyExists:
            pass
        asynchronous = {}
        if spec.kind == "async":
            output = {"S3OutputPath": f"{config['exchange']}/out", "S3FailurePath": f"{config['exchange']}/failed"}
            asynchronous = {"AsyncInferenceConfig": {"OutputConfig": output}}
        try:
            with calling(f"create the endpoint configuration {spec.key}"):
                self._control.create_endpoint_config(
                    EndpointConfigName=spec.key, ProductionVariants=[_variant(spec)], **asynchronous
                )
        except AlreadyExists:
            pass

    def describe(self, name: str) -> Description | None:
        try:
            with calling(f"describe {name}"):
                found = self._control.describe_endpoint(EndpointName=name)
                tags = self._tags(found["EndpointArn"])
        except EndpointGone:
            return None
        if found["EndpointStatus"] == Status.IN_SERVICE and name not in self._scaled:
            self._autoscale(name, tags.get(INSTANCES_TAG, ""))
        return _description(found, tags)

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
        # Once, by whoever began the deletion: later, a successor may be about to use them.
        self._deregister(name)
        self._delete_config(_key(name), but=name)

    def touch(self, name: str) -> None:
        """Nothing to do: an endpoint on SageMaker does not end by itself."""

    # What belongs to an endpoint

    def _tags(self, arn: str) -> dict[str, str]:
        pages = self._control.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def _delete_config(self, key: str, *, but: str) -> None:
        """Remove model and configuration unless another epoch uses them. Neither costs anything, and
        `create` makes them again, so a race does no harm."""
        with calling(f"look for users of {key}"):
            pages = self._control.get_paginator("list_endpoints").paginate(NameContains=f"{key}-e")
            if any(found["EndpointName"] != but for page in pages for found in page["Endpoints"]):
                return
        for delete, argument in (
            (self._control.delete_endpoint_config, "EndpointConfigName"),
            (self._control.delete_model, "ModelName"),
        ):
            try:
                with calling(f"delete the {argument} {key}"):
                    delete(**{argument: key})
            except EndpointGone:
                continue

    def _autoscale(self, name: str, instances: str) -> None:
        """Set the bounds, once it is in service: a scalable target must exist. Putting them again changes nothing."""
        least, _, most = instances.partition("-")
        if least != most:
            target = _scalable_target(name)
            with calling(f"scale {name}"):
                self._scaling.register_scalable_target(**target, MinCapacity=int(least), MaxCapacity=int(most))
                self._scaling.put_scaling_policy(
                    **target,
                    PolicyName="concurrent-requests",
                    PolicyType="TargetTrackingScaling",
                    TargetTrackingScalingPolicyConfiguration={
                        "TargetValue": REQUESTS_PER_INSTANCE,
                        "PredefinedMetricSpecification": {
                            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
                        },
                    },
                )
        self._scaled.add(name)

    def _deregister(self, name: str) -> None:
        try:
            with calling(f"stop scaling {name}"):
                self._scaling.deregister_scalable_target(**_scalable_target(name))
        except EndpointGone:  # it never was scaled
            pass
        self._scaled.discard(name)

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
        key = _key(name)
        if key not in self._multi_model:
            with invoking(name):
                model = self._control.describe_model(ModelName=key)
                self._multi_model[key] = model["PrimaryContainer"].get("Mode") == "MultiModel"
        # Only multi-model endpoints accept TargetModel, and serverless ones cannot be multi-model.
        if self._multi_model[key]:
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
        with invoking(name):
            self._s3.put_object(**_object(question), Body=body)
            asked = self._runtime.invoke_endpoint_async(
                EndpointName=name, InputLocation=question, ContentType=JSON, **extra
            )
        answer, failure = asked["OutputLocation"], asked["FailureLocation"]
        give_up, pause = self._now() + ASYNC_SECONDS, 0.5
        try:
            while self._now() < give_up:
                if (reply := self._read(name, answer)) is not None:
                    return Reply(reply)
                if (reason := self._read(name, failure)) is not None:
                    raise failed_asynchronously(name, reason)
                self._sleep(pause)
                pause = min(10.0, pause * 1.5)
            raise InvocationTimeout(f"{name} did not answer in {ASYNC_SECONDS:.0f} s")
        finally:
            for location in (question, answer, failure):
                with invoking(name):
                    self._s3.delete_object(**_object(location))

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


def _key(name: str) -> str:
    """`EndpointSpec.key` of an endpoint's name."""
    return name.rpartition("-e")[0]


def _variant(spec: EndpointSpec) -> dict[str, Any]:
    variant: dict[str, Any] = {"VariantName": VARIANT, "ModelName": spec.key}
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


def _object(location: str) -> dict[str, str]:
    parts = urlsplit(location)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
