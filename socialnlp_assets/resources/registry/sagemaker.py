"""SageMaker's Model Registry, kept in step with the registry in the lake.

The Model Registry has a group a model and a package a version, and of each package its approval now. What it has no
room for stays in the lake's log: every decision, its order, who and why. So a lease needs the lake alone, and asks
SageMaker nothing. Whoever approves a package in SageMaker, in its studio or by a pipeline, decides as well: each
package says which state we wrote last, and one whose approval is another has been decided there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from socialnlp_assets.resources.endpoints.aws_errors import calling
from socialnlp_assets.resources.endpoints.backend import AlreadyExists, EndpointError, EndpointGone
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry
from socialnlp_assets.resources.registry.versions import Made, RegistryError, State, Version
from socialnlp_assets.resources.sagemaker_core import NotInstalled, open_session, resources

STATUS: Mapping[State, str] = {
    State.PENDING: "PendingManualApproval",
    State.CANARY: "PendingManualApproval",
    State.APPROVED: "Approved",  # of each group at most one package: the version in service
    State.REJECTED: "Rejected",
    State.RETIRED: "PendingManualApproval",  # it may be approved again
}
MOST_DESCRIPTION = 1024  # characters
logger = logging.getLogger(__name__)


class SageMakerRegistry(LakeRegistry):
    """`Registry` on AWS. Every call may raise `RegistryError`."""

    def __init__(
        self,
        lake: Lake,
        *,
        image: str = "",
        prefix: str = "nlp",
        region: str = "",
        endpoint_url: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(lake, now)
        self._image = image  # that serves the versions
        self._prefix = prefix
        self._region = region
        self._endpoint_url = endpoint_url

    def register(self, made: Made, who: str, why: str) -> Version:
        version = super().register(made, who, why)
        self.keep_in_step(made.model)
        return version

    def decide(self, model: str, number: int, state: State, who: str, why: str) -> None:
        self.keep_in_step(model)  # what was decided in SageMaker came first
        super().decide(model, number, state, who, why)
        self.keep_in_step(model)

    def keep_in_step(self, model: str) -> list[str]:
        """Register in SageMaker what is missing there, take over what was decided there, and write there what is
        decided here; a sentence for each decision that was taken over."""
        try:
            return self._keep_in_step(model)
        except (EndpointError, NotInstalled) as error:
            raise RegistryError(str(error)) from error

    def _keep_in_step(self, model: str) -> list[str]:
        versions = self.history(model).versions()
        if not versions:
            return []
        packages = self._packages(model)
        for number in versions.keys() - packages.keys():
            packages[number] = self._create(versions[number])
        changed = [(number, each) for number, each in packages.items() if each.model_approval_status != _written(each)]
        told = [
            self._take_over(versions[number], package)
            for number, package in sorted(changed, key=lambda pair: pair[1].last_modified_time or pair[1].creation_time)
        ]
        for number, version in self.history(model).versions().items():
            package = packages[number]
            if (package.model_approval_status, _state(package)) != (STATUS[version.state], version.state):
                with calling(f"update version {number} of {model} in the Model Registry"):
                    package.update(
                        model_approval_status=STATUS[version.state],
                        approval_description=_sentence(version),
                        customer_metadata_properties={"state": version.state.value},
                    )
        return [sentence for sentence in told if sentence]

    def _take_over(self, version: Version, package: Any) -> str:
        """Decide here what somebody has decided in SageMaker."""
        model, number, status = version.made.model, version.number, package.model_approval_status
        described = _text(package.approval_description)
        why = described if described and described != _sentence(version) else f"{status} in SageMaker"
        by = getattr(package.last_modified_by, "user_profile_name", None)
        who = _text(by) or "SageMaker"
        try:
            if status != STATUS[State.APPROVED] and version.state is State.APPROVED:  # what is in service is withdrawn
                super().decide(model, self.history(model).before(), State.APPROVED, who, why)
            if status == STATUS[State.APPROVED]:
                super().decide(model, number, State.APPROVED, who, why)
            elif status == STATUS[State.REJECTED]:
                super().decide(model, number, State.REJECTED, who, why)
        except RegistryError as error:  # and what is on record stays
            logger.warning("version %s of %s was %s in SageMaker, in vain: %s", number, model, status, error)
            return ""
        return f"version {number} of {model} was {status} in SageMaker by {who}: {why}"

    # Packages

    @property
    def _client(self) -> dict[str, Any]:
        return {"session": open_session(self._region, self._endpoint_url), "region": self._region or None}

    def _packages(self, model: str) -> dict[int, Any]:
        """Those of ours, by number of the version."""
        group = f"{self._prefix}-{model}"
        try:
            with calling(f"list the versions of {model} in the Model Registry"):
                found = list(resources().ModelPackage.get_all(model_package_group_name=group, **self._client))
        except EndpointGone:
            return {}
        return {int(_properties(each)["version"]): each for each in found if "version" in _properties(each)}

    def _create(self, version: Version) -> Any:
        made, group = version.made, f"{self._prefix}-{version.made.model}"
        with suppress(AlreadyExists), calling(f"create the group {group} in the Model Registry"):
            resources().ModelPackageGroup.create(
                group, model_package_group_description=f"Versions of {made.model}.", **self._client
            )
        request: dict[str, Any] = {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": f"{made.source}; {made.folder}"[:MOST_DESCRIPTION],
            "ModelApprovalStatus": STATUS[State.PENDING],
            "ClientToken": sha256(f"{group} {version.number} {made.digest}".encode()).hexdigest()[:32],
            "CustomerMetadataProperties": {
                "version": str(version.number),
                "state": State.PENDING.value,
                "digest": made.digest,
                **({"labels": made.labels, "code": made.code, "recipe": made.recipe} if made.recipe else {}),
                **({"macro_f1": f"{made.figures['macro_f1']:.4f}"} if "macro_f1" in made.figures else {}),
            },
        }
        if made.archive and self._image:
            request["InferenceSpecification"] = {
                "Containers": [{"Image": self._image, "ModelDataUrl": made.archive}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            }
        client = resources().Base.get_sagemaker_client(
            session=self._client["session"], region_name=self._client["region"]
        )
        with calling(f"register version {version.number} of {made.model} in the Model Registry"):
            # `ModelPackage.create` of sagemaker-core 2.27 looks for a name in the answer, which versions do not have.
            arn = client.create_model_package(**request)["ModelPackageArn"]
            return resources().ModelPackage.get(arn, **self._client)


def _properties(package: Any) -> Mapping[str, str]:
    found = package.customer_metadata_properties
    return found if isinstance(found, dict) else {}


def _state(package: Any) -> str:
    return _properties(package).get("state", State.PENDING.value)


def _written(package: Any) -> str:
    """The approval that we wrote last."""
    return STATUS[State(_state(package))]


def _sentence(version: Version) -> str:
    return f"{version.who}: {version.why}"[:MOST_DESCRIPTION]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""  # else the SDK's word for "not assigned"
