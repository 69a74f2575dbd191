"""What the policies in deploy/iam allow, and what they do not: evaluated as IAM does, on the policies as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.settings import Profile, Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
ALARM = "arn:aws:cloudwatch:REGION:ACCOUNT:alarm:"
MODEL = "arn:aws:sagemaker:REGION:ACCOUNT:"
OURS = "TargetTracking-endpoint/nlp-sentiment-1a2b-e1/variant/all-AlarmHigh-1"


def statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DEPLOY / "iam" / f"{name}.json").read_text())["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def like(pattern: str, value: str) -> bool:
    """IAM's wildcards."""
    return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value))


def holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Every operator and key; a key that the request does not have makes its condition false."""
    match = {"StringEquals": str.__eq__, "StringLike": like}
    return all(
        key in context and any(match[operator](wanted, context[key]) for wanted in listed(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def allows(policy: str, action: str, resource: str, **context: str) -> bool:
    return any(
        any(like(each, action) for each in listed(statement["Action"]))
        and any(like(each, resource) for each in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), {key.replace("__", ":"): value for key, value in context.items()})
        for statement in statements(policy)
        if statement["Effect"] == "Allow"
    )


def actions(policy: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for statement in statements(policy):
        for action in listed(statement["Action"]):
            yield action, statement


@pytest.mark.parametrize("action", ["PutMetricAlarm", "DeleteAlarms", "DescribeAlarms"])
def test_only_the_alarms_of_our_endpoints_may_be_touched(action: str) -> None:
    assert allows("orchestrator", f"cloudwatch:{action}", ALARM + OURS)
    for other in ("disk-full", "TargetTracking-endpoint/theirs/variant/all-AlarmHigh-1", "TargetTracking-table/nlp-x"):
        assert not allows("orchestrator", f"cloudwatch:{action}", ALARM + other)


def test_the_bucket_is_listed_below_our_prefixes_only() -> None:
    bucket = "arn:aws:s3:::BUCKET"
    for prefix in ("platform/landing/sprinklr/date=2026-11-20/", "platform/leases/", "models/sentiment/current.json"):
        assert allows("orchestrator", "s3:ListBucket", bucket, s3__prefix=prefix)
    for prefix in ("", "plat", "models/", "payroll/"):
        assert not allows("orchestrator", "s3:ListBucket", bucket, s3__prefix=prefix)
    assert not allows("orchestrator", "s3:ListBucket", bucket)  # without any
    assert not allows("endpoint", "s3:ListBucket", bucket, s3__prefix="models/")


def test_only_what_bears_our_name_is_made_changed_or_removed() -> None:
    for kind in ("model", "endpoint-config", "endpoint"):
        for verb in ("Create", "Delete"):
            action = f"sagemaker:{verb}{kind.title().replace('-', '')}"
            assert allows("orchestrator", action, f"{MODEL}{kind}/nlp-sentiment-1a2b-e1")
            assert not allows("orchestrator", action, f"{MODEL}{kind}/theirs")
    role = "arn:aws:iam::ACCOUNT:role/"
    service = {"iam__PassedToService": "sagemaker.amazonaws.com"}
    assert allows("orchestrator", "iam:PassRole", f"{role}listening-endpoints", **service)
    assert not allows("orchestrator", "iam:PassRole", f"{role}admin", **service)
    assert not allows("orchestrator", "iam:PassRole", f"{role}listening-endpoints", iam__PassedToService="ec2")


@pytest.mark.parametrize("policy", ["orchestrator", "endpoint", "training"])
def test_what_may_be_done_to_everything_reads_or_has_a_condition(policy: str) -> None:
    for action, statement in actions(policy):
        assert "*" not in action
        if "*" in listed(statement["Resource"]):
            assert statement.get("Condition") or re.match(r"\w+:(List|Get)", action), action
        else:
            for resource in listed(statement["Resource"]):
                assert len(resource.split(":", 5)[5].strip("*")) > 4, resource  # it names something


def test_base_images_are_not_named_by_a_tag() -> None:
    bases = re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert bases
    assert all(base == "${PYTHON}" or "@sha256:" in base for base in bases)
    assert re.search(r"^ARG PYTHON$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)  # no default


@pytest.mark.parametrize(("image", "told"), [("repository/image:0.1.0", True), ("repository/image@sha256:ab", False)])
def test_an_endpoint_image_with_a_tag_is_told(caplog: pytest.LogCaptureFixture, image: str, told: bool) -> None:
    with build_endpoints(Settings(profile=Profile.AWS, lake="s3://bucket/lake", endpoint_image=image)) as endpoints:
        assert endpoints.manager
    assert ("names a tag" in caplog.text) == told
