"""SageMaker's Model Registry: a part of `FakeSageMaker`. Groups, versioned packages, and their approval."""

from __future__ import annotations

import re
import threading
from itertools import count
from typing import Any

from tests.fakes.aws_errors import ACCOUNT, REGION, AwsError

STATUSES = ("Approved", "Rejected", "PendingManualApproval")
METADATA = re.compile(r"[\w .:/=+\-@]+")  # AWS's pattern of keys and values


class ModelPackages:
    def __init__(self) -> None:
        self.groups: dict[str, list[dict[str, Any]]] = {}
        self._tokens: dict[str, str] = {}
        self._time = count(1_790_000_000)
        self._writing = threading.RLock()

    def set_approval(self, group: str, number: int, status: str, description: str = "", who: str = "") -> None:
        """What somebody does in SageMaker's studio."""
        package = self.groups[group][number - 1]
        package |= {"ModelApprovalStatus": status, "LastModifiedTime": next(self._time)}
        package |= {"ApprovalDescription": description} if description else {}
        package |= {"LastModifiedBy": {"UserProfileName": who}} if who else {}

    def approvals(self, group: str) -> list[str]:
        return [package["ModelApprovalStatus"] for package in self.groups.get(group, [])]

    def _create_model_package_group(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelPackageGroupName"]
        arn = _arn("model-package-group", name)
        with self._writing:
            if name in self.groups:
                raise AwsError("ValidationException", f"Model Package Group already exists: {arn}")
            self.groups[name] = []
        return {"ModelPackageGroupArn": arn}

    def _describe_model_package_group(self, request: dict[str, Any]) -> dict[str, Any]:
        name = self._group(request)
        return {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": _arn("model-package-group", name),
            "CreationTime": 0,
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }

    def _create_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        name = self._group(request)
        _check(request)
        with self._writing:
            token = request.pop("ClientToken", "")
            if token in self._tokens:
                return {"ModelPackageArn": self._tokens[token]}
            number = len(self.groups[name]) + 1
            arn = _arn("model-package", f"{name}/{number}")
            self.groups[name].append(
                request
                | {"ModelPackageVersion": number, "ModelPackageArn": arn, "CreationTime": next(self._time)}
                | {"ModelPackageStatus": "Completed", "ModelPackageStatusDetails": {"ValidationStatuses": []}}
            )
            if token:
                self._tokens[token] = arn
        return {"ModelPackageArn": arn}  # and no name

    def _describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._package(request["ModelPackageName"])  # a version's ARN; it has no name

    def _list_model_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        packages = self.groups[self._group(request)]
        start = int(request.get("NextToken", 0))
        keys = ("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "CreationTime", "ModelPackageStatus")
        found = [{key: package[key] for key in keys} for package in packages[start : start + 2]]
        more = {"NextToken": str(start + 2)} if start + 2 < len(packages) else {}
        return {"ModelPackageSummaryList": found, **more}

    def _update_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        _check(request)
        package = self._package(request["ModelPackageArn"])
        with self._writing:
            metadata = package.get("CustomerMetadataProperties", {}) | request.pop("CustomerMetadataProperties", {})
            package |= request | {"CustomerMetadataProperties": metadata, "LastModifiedTime": next(self._time)}
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def _group(self, request: dict[str, Any]) -> str:
        name: str = request["ModelPackageGroupName"]
        if name not in self.groups:
            raise AwsError(
                "ValidationException", f"ModelPackageGroup {_arn('model-package-group', name)} does not exist."
            )
        return name

    def _package(self, arn: str) -> dict[str, Any]:
        packages = [package for group in self.groups.values() for package in group]
        found = next((package for package in packages if package["ModelPackageArn"] == arn), None)
        if found is None:
            raise AwsError("ValidationException", f"ModelPackage {arn} does not exist.")
        return found


def _check(request: dict[str, Any]) -> None:
    status = request.get("ModelApprovalStatus", STATUSES[0])
    metadata = request.get("CustomerMetadataProperties", {})
    odd = [text for pair in metadata.items() for text in pair if not METADATA.fullmatch(text) or len(text) > 256]
    if status not in STATUSES or odd or len(request.get("ApprovalDescription", "")) > 1024:
        raise AwsError("ValidationException", f"1 validation error detected: {status}, {odd}")


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"
