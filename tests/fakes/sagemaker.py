"""SageMaker as it behaves: a stateful fake of its control plane, runtime, autoscaling, training jobs and registry.

Endpoints take (virtual) minutes to come and go, names conflict, invocations of what is gone fail, and any call
can be made to go wrong. Messages and shapes of errors are AWS's own. `aws_http` serves it to boto3.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.aws_errors import ACCOUNT, REGION, AwsError, model_error
from tests.fakes.model_packages import ModelPackages
from tests.fakes.training_jobs import TrainingJobs

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
TAG = re.compile(r"[\w\s.:/=+\-@]{0,256}")

# What answers invocations: (body, headers) -> (status, headers, body)
Model = Callable[[bytes, dict[str, str]], tuple[int, dict[str, str], bytes]]


@dataclass
class Fault:
    """Makes matching calls go wrong, `times` times. One of `error`, `lost` and `hang` says how."""

    operation: str  # such as "CreateEndpoint"
    endpoint: str = ""  # regular expression of the endpoint's name
    times: int = 1
    after: int = 0  # so many matching calls are spared first
    error: AwsError | None = None  # instead of doing it
    lost: bool = False  # done, but the connection closes without an answer
    hang: float = 0.0  # done, but answered so many real seconds late
    reply: Callable[[bytes], bytes] | None = None  # done, and this made of the model's answer


@dataclass
class Creation:
    """How the creation of matching endpoints goes."""

    seconds: float = 240.0
    failure: str = ""  # FailureReason; empty: it comes into service
    deletion_seconds: float = 30.0


@dataclass
class Endpoint:
    name: str
    config: dict[str, Any]
    tags: dict[str, str]
    created: datetime
    ready: datetime
    failure: str
    deletion_seconds: float
    gone: datetime | None = None  # set by DeleteEndpoint
    forced: str = ""  # a status set by hand

    def status(self, now: datetime) -> str:
        if self.gone:
            return "Deleting"
        if self.forced:
            return self.forced
        if now < self.ready:
            return "Creating"
        return "Failed" if self.failure else "InService"


class FakeSageMaker(TrainingJobs, ModelPackages):
    """The state behind the server, and the handle that tests hold.

    `now` is the clock that endpoints come and go by. `models` maps regular expressions of endpoint names to
    what answers there; `creations` maps them to how creation goes, the first match counting.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        TrainingJobs.__init__(self)
        ModelPackages.__init__(self)
        self.now = now
        self.models: dict[str, Model] = {}
        self.creations: dict[str, Creation] = {}
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, str]] = []  # (operation, name), in order
        self.instance_limit = 100
        self.endpoints: dict[str, Endpoint] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.model_entities: dict[str, dict[str, Any]] = {}
        self.scalable: dict[str, dict[str, Any]] = {}
        self.url = ""
        self._lock = threading.RLock()

    # What tests ask

    def existing(self) -> dict[str, str]:
        """Status by name of every endpoint that there is now."""
        with self._lock:
            self._settle()
            return {name: endpoint.status(self.now()) for name, endpoint in self.endpoints.items()}

    def called(self, operation: str) -> list[str]:
        """The names that `operation` was called with, in order."""
        return [name for called, name in self.calls if called == operation]

    def vanish(self, name: str) -> None:
        """The endpoint is gone from one moment to the next."""
        with self._lock:
            del self.endpoints[name]

    def set_status(self, name: str, status: str) -> None:
        with self._lock:
            self.endpoints[name].forced = status

    def fault(self, operation: str, **how: Any) -> Fault:
        """Make `operation` go wrong; see `Fault`."""
        fault = Fault(operation, **how)
        with self._lock:
            self.faults.append(fault)
        return fault

    # What the server asks

    def take_fault(self, operation: str, name: str) -> Fault | None:
        with self._lock:
            self.calls.append((operation, name))
            for fault in self.faults:
                if fault.operation == operation and fault.times and re.search(fault.endpoint, name):
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    def control(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """One call of the control plane; raises AwsError."""
        method = getattr(self, re.sub("([A-Z])", r"_\1", operation).lower(), None)
        if method is None:
            raise AwsError("UnknownOperationException", f"this fake does not do {operation}", 404)
        with self._lock:
            self._settle()
            answer: dict[str, Any] = method(request)
            return answer

    def invoke(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
        """One real-time or serverless invocation: the headers and body of the answer; raises AwsError."""
        config = self._in_service(name)
        serverless = "ServerlessConfig" in config["ProductionVariants"][0]
        limit = (4 if serverless else 6) * 1024**2
        if len(body) > limit:
            raise AwsError(
                "ValidationError",
                "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                f"Member must have length less than or equal to {limit}",
            )
        if "x-amzn-sagemaker-target-model" in headers:
            raise AwsError(
                "ValidationError",
                f"Endpoint {name} is not a multi-model endpoint and does not support target model header.",
            )
        return self._ask_model(name, body, headers)

    def _in_service(self, name: str) -> dict[str, Any]:
        with self._lock:
            self._settle()
            endpoint = self.endpoints.get(name)
            usable = ("InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed")
            if endpoint is None or endpoint.status(self.now()) not in usable:
                raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
            return endpoint.config

    def _ask_model(self, name: str, body: bytes, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
        for pattern, model in self.models.items():
            if re.search(pattern, name):
                status, answered, reply = model(body, headers)
                if status != 200:
                    raise model_error(status, reply.decode(errors="replace"))
                return answered, reply
        raise AwsError("InternalFailure", f"no model was set up to answer for {name}", 500)

    # Endpoints

    def _settle(self) -> None:
        now = self.now()
        for name, endpoint in list(self.endpoints.items()):
            if endpoint.gone and now >= endpoint.gone:
                del self.endpoints[name]

    def _create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        name, config_name = _checked_name(request["EndpointName"]), request["EndpointConfigName"]
        arn = _arn("endpoint", name)
        if name in self.endpoints:
            raise AwsError("ValidationException", f'Cannot create already existing endpoint "{arn}".')
        if config_name not in self.configs:
            raise _not_found("endpoint configuration", "endpoint-config", config_name)
        config = self.configs[config_name]
        self._check_limit(config["ProductionVariants"][0])
        creation = next((c for pattern, c in self.creations.items() if re.search(pattern, name)), Creation())
        now = self.now()
        self.endpoints[name] = Endpoint(
            name,
            config,
            _checked_tags(request.get("Tags", [])),
            created=now,
            ready=now + timedelta(seconds=creation.seconds),
            failure=creation.failure,
            deletion_seconds=creation.deletion_seconds,
        )
        return {"EndpointArn": arn}

    def _check_limit(self, variant: dict[str, Any]) -> None:
        used = [e.config["ProductionVariants"][0] for e in self.endpoints.values()]
        kind, wanted = variant.get("InstanceType"), variant.get("InitialInstanceCount", 0)
        utilization = sum(v.get("InitialInstanceCount", 0) for v in used if v.get("InstanceType") == kind)
        if kind and utilization + wanted > self.instance_limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind} for endpoint usage' is {self.instance_limit} Instances, "
                f"with current utilization of {utilization} Instances and a request delta of {wanted} Instances. "
                "Please use AWS Service Quotas to request an increase for this quota.",
            )

    def _endpoint(self, request: dict[str, Any]) -> Endpoint:
        name = request["EndpointName"]
        if name not in self.endpoints:
            raise _not_found("endpoint", "endpoint", name)
        return self.endpoints[name]

    def _describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._endpoint(request)
        answer = self._summary(endpoint) | {"EndpointConfigName": endpoint.config["EndpointConfigName"]}
        if answer["EndpointStatus"] == "Failed":
            answer["FailureReason"] = endpoint.failure
        return answer

    def _summary(self, endpoint: Endpoint) -> dict[str, Any]:
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": _arn("endpoint", endpoint.name),
            "CreationTime": endpoint.created.timestamp(),
            "LastModifiedTime": endpoint.created.timestamp(),
            "EndpointStatus": endpoint.status(self.now()),
        }

    def _delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._endpoint(request)
        if endpoint.status(self.now()) in ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"):
            arn = _arn("endpoint", endpoint.name)
            raise AwsError("ValidationException", f'Cannot update in-progress endpoint "{arn}".')
        endpoint.gone = self.now() + timedelta(seconds=endpoint.deletion_seconds)
        return {}

    def _list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoints = sorted(self.endpoints.values(), key=lambda endpoint: endpoint.created, reverse=True)
        return _page("Endpoints", "EndpointName", [self._summary(endpoint) for endpoint in endpoints], request)

    def _list_endpoint_configs(self, request: dict[str, Any]) -> dict[str, Any]:
        return _page("EndpointConfigs", "EndpointConfigName", list(self.configs.values()), request)

    def _list_models(self, request: dict[str, Any]) -> dict[str, Any]:
        return _page("Models", "ModelName", list(self.model_entities.values()), request)

    def _list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ResourceArn"].rpartition("/")[2]
        tags = self._endpoint({"EndpointName": name}).tags
        items = [{"Key": key, "Value": value} for key, value in tags.items()]
        start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 50)
        more = {"NextToken": str(start + size)} if start + size < len(items) else {}
        return {"Tags": items[start : start + size], **more}

    # Models and configurations

    def _create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._create_named(self.model_entities, "model", "model", "ModelName", request)

    def _create_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        variant = request["ProductionVariants"][0]
        if variant["ModelName"] not in self.model_entities:
            raise _not_found("model", "model", variant["ModelName"])
        kind = "endpoint configuration"
        return self._create_named(self.configs, kind, "endpoint-config", "EndpointConfigName", request)

    def _create_named(
        self, there: dict[str, dict[str, Any]], kind: str, arn: str, key: str, request: dict[str, Any]
    ) -> dict[str, Any]:
        name = _checked_name(request[key])
        if name in there:
            raise AwsError("ValidationException", f'Cannot create already existing {kind} "{_arn(arn, name)}".')
        there[name] = request
        return {key.replace("Name", "Arn"): _arn(arn, name)}

    def _delete_model(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.model_entities.pop(request["ModelName"], None) is None:
            raise _not_found("model", "model", request["ModelName"])
        return {}

    def _delete_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["EndpointConfigName"]
        if self.configs.pop(name, None) is None:
            raise _not_found("endpoint configuration", "endpoint-config", name)
        return {}

    # Autoscaling

    def _register_scalable_target(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ResourceId"].split("/")[1]
        if self.existing().get(name) != "InService":
            raise AwsError("ValidationException", f'Could not find endpoint "{_arn("endpoint", name)}".')
        self.scalable[request["ResourceId"]] = request
        return {"ScalableTargetARN": _arn("scalable-target", name)}

    def _put_scaling_policy(self, request: dict[str, Any]) -> dict[str, Any]:
        target = self._scalable_target(request)
        target["policy"] = request["TargetTrackingScalingPolicyConfiguration"]
        return {"PolicyARN": _arn("policy", request["PolicyName"])}

    def _deregister_scalable_target(self, request: dict[str, Any]) -> dict[str, Any]:
        self._scalable_target(request)
        del self.scalable[request["ResourceId"]]
        return {}

    def _scalable_target(self, request: dict[str, Any]) -> dict[str, Any]:
        target = self.scalable.get(request["ResourceId"])
        if target is None:
            raise AwsError(
                "ObjectNotFoundException",
                f"No scalable target found for service namespace: sagemaker, resource ID: {request['ResourceId']}, "
                "scalable dimension: sagemaker:variant:DesiredInstanceCount",
            )
        return target


def _page(listed: str, key: str, items: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    """One page of those whose name contains what was asked for."""
    found = [item for item in items if request.get("NameContains", "") in item[key]]
    start, size = int(request.get("NextToken", 0)), request.get("MaxResults", 10)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {listed: found[start : start + size], **more}


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


def _not_found(what: str, kind: str, name: str) -> AwsError:
    return AwsError("ValidationException", f'Could not find {what} "{_arn(kind, name)}".')


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{name}' failed to satisfy constraint: Member must satisfy regular "
            "expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        )
    return name


def _checked_tags(tags: list[dict[str, str]]) -> dict[str, str]:
    for tag in tags:
        if not tag["Key"] or len(tag["Key"]) > 128 or not all(TAG.fullmatch(part) for part in tag.values()):
            raise AwsError("ValidationException", f"1 validation error detected: the tag {tag} is not valid")
    return {tag["Key"]: tag["Value"] for tag in tags}
