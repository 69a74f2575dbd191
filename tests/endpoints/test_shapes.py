"""Shapes of endpoints that SageMaker would refuse are refused when the catalogue is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from socialnlp_assets.models.catalogue import EndpointShape

REALTIME = {"kind": "realtime", "instance_type": "ml.m5.xlarge"}
SERVERLESS = {"kind": "serverless", "memory_mb": 2048, "max_concurrency": 5}


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (REALTIME | {"min_instances": 0}, "1 ≤ min_instances ≤ max_instances"),
        (REALTIME | {"min_instances": 3, "max_instances": 2}, "1 ≤ min_instances ≤ max_instances"),
        (REALTIME | {"instance_type": ""}, "realtime endpoints need an instance_type"),
        (SERVERLESS | {"memory_mb": 1500}, "memory_mb is one of 1024, 2048, 3072, 4096, 5120, 6144"),
        (SERVERLESS | {"memory_mb": 7168}, "memory_mb is one of"),
        (SERVERLESS | {"max_concurrency": 0}, "need a max_concurrency of at least 1"),
    ],
)
def test_a_shape_that_does_not_fit_its_kind_says_why(shape: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        EndpointShape.model_validate(shape)


@pytest.mark.parametrize("shape", [REALTIME | {"max_instances": 4}, SERVERLESS])
def test_shapes_that_fit(shape: dict[str, Any]) -> None:
    assert EndpointShape.model_validate(shape).model_dump(exclude_unset=True) == shape
