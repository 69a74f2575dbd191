"""Endpoints on Amazon SageMaker: real-time and serverless ones, through boto3 alone.

An endpoint has a model entity and an endpoint configuration of its own, of the same name, epoch included: whoever
removes them, however late, cannot take them from under a successor. What AWS answers is read in `aws_errors`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC
from functools import cache, partial
from typing import Any

from socialnlp_assets.resources.endpoints.aws_errors import calling, invoking
from socialnlp_assets.resources.endpoints.backend import (
    AlreadyExists,
    BackendError,
    Description,
    EndpointError,
    EndpointGone,
    EndpointSpec,
    NoCapacity,
    Reply,
    Status,
    Throttled,
)
from socialnlp_assets.resources.retry import retrying

VARIANT = "AllTraffic"
JSON = "application/json"
LOAD = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
REQUESTS_PER_INSTANCE = 4.0  # before another is added; the predictor keeps four in flight
TRIES = 4
_SESSION = threading.Lock()  # clients are safe to share, making them is not

logger = logging.getLogger(__name__)


class SageMaker:
    """`EndpointBackend` over SageMaker. Retries nothing that anybody waits for: that is the callers' part."""

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str = "",
        read_timeout: float = 70.0,  # the runtime gives up on a model after 60 s, and says so
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._control = client("sagemaker", region, endpoint_url, read_timeout)
        self._runtime = client("sagemaker-runtime", region, endpoint_url, read_timeout)
        self._scaling = client("application-autoscaling", region, endpoint_url, read_timeout)
        self._sleep = sleep

    # The life of an endpoint

    def create(self, name: str, spec: EndpointSpec, tags: Mapping[str, str]) -> None:
        container = {"Image": spec.config["image"], "ModelDataUrl": spec.config["model_data"]}
        with suppress(AlreadyExists), calling(f"create the model {name}"):
            self._control.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=spec.config["role"])
        with suppress(AlreadyExists), calling(f"create the endpoint configuration {name}"):
            self._control.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[_variant(name, spec)])
        try:
            with calling(f"create {name}"):
                listed = [{"Key": key, "Value": value} for key, value in tags.items()]
                self._control.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=listed)
        except (NoCapacity, BackendError):  # nobody will delete an endpoint that never was, and these with it
            self.clear(name)
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
        self.clear(name)

    def remnants(self, prefix: str) -> Collection[str]:
        names: set[str] = set()
        for operation, listed, name in (
            ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
            ("list_models", "Models", "ModelName"),
        ):
            with calling(operation.replace("_", " ")):
                pages = self._control.get_paginator(operation).paginate(NameContains=prefix)
                names |= {found[name] for page in pages for found in page[listed] if found[name].startswith(prefix)}
        return names

    def clear(self, name: str) -> None:
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
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": REQUESTS_PER_INSTANCE,
                "PredefinedMetricSpecification": {"PredefinedMetricType": LOAD},
            },
        }

        def scale() -> None:  # again, it changes nothing
            self._scaling.register_scalable_target(**target, MinCapacity=least, MaxCapacity=most)
            self._scaling.put_scaling_policy(**target, **policy)

        self._try(f"scale {name}", scale)

    def _try(self, what: str, request: Callable[[], object]) -> None:
        """For what an endpoint can do without: tried some times, and a failure is only logged."""
        try:
            for attempt in retrying(Throttled, patience=60, most_attempts=TRIES, sleep=self._sleep):
                with attempt, calling(what):
                    request()
        except EndpointGone:  # there is nothing to remove
            pass
        except EndpointError as error:
            logger.warning("%s", error)

    def invoke(self, name: str, body: bytes, *, target: str | None = None) -> Reply:
        # Only multi-model endpoints take TargetModel; every container gets the custom attributes.
        extra = {"CustomAttributes": f"target={target}"} if target else {}
        with invoking(name):
            answer = self._runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=JSON, **extra)
            headers = {k.lower(): v for k, v in answer["ResponseMetadata"]["HTTPHeaders"].items()}
            return Reply(answer["Body"].read(), headers)


def client(service: str, region: str, endpoint_url: str = "", read_timeout: float = 70.0) -> Any:
    """A client for which one request is one try: the SDK would ask a model again that is still busy with the first."""
    from botocore.config import Config

    config = Config(
        connect_timeout=5, read_timeout=read_timeout, retries={"total_max_attempts": 1}, max_pool_connections=32
    )
    with _SESSION:
        return _session(region).client(service, endpoint_url=endpoint_url or None, config=config)


@cache
def _session(region: str) -> Any:
    """One session a process: reading the descriptions of AWS's services takes the most of a second."""
    import boto3

    return boto3.session.Session(region_name=region or None)


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
    said, reason = found["EndpointStatus"], found.get("FailureReason", "")
    try:
        status = Status(said)
    except ValueError:  # AWS has added to its list: this endpoint's trouble, and no other's
        status, reason = Status.UNKNOWN, f"SageMaker calls its status {said!r}, which is not known here. {reason}"
        logger.warning("%s: %s", found["EndpointName"], reason)
    created_at = found["CreationTime"].astimezone(UTC)
    return Description(found["EndpointName"], status, reason, created_at, tags)


def _scalable_target(name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/{VARIANT}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
