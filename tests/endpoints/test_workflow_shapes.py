"""A workflow's own shapes of endpoints, on virtual time. The fixture `world` ends each with no endpoint left."""

from __future__ import annotations

import pytest
from pydantic import PrivateAttr

from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.sagemaker_resource import sagemaker_spec
from tests.endpoints.world import ARTEFACT, IMAGE, ROLE, World


class ShapedEndpoints(Endpoints):
    """Of the shape that the entry says, which it is asked for."""

    _given: LeaseManager = PrivateAttr()

    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:
        return sagemaker_spec(model, entry, ARTEFACT, IMAGE, ROLE, "store")

    def _open(self) -> LeaseManager:
        return self._given


def memories(world: World) -> set[int]:
    """Megabytes of the endpoints that exist."""
    configs = [endpoint.config for endpoint in world.fake.endpoints.values()]
    return {config["ProductionVariants"][0]["ServerlessConfig"]["MemorySizeInMB"] for config in configs}


@pytest.mark.parametrize(
    ("environment", "of_workflow", "of_others"),
    [({}, 4096, 3072), ({"entities": "serverless:6144"}, 6144, 6144)],
    ids=["the workflow's", "the environment's, which counts more"],
)
def test_a_workflow_with_another_shape_has_an_endpoint_of_its_own(
    world: World, environment: dict[str, str], of_workflow: int, of_others: int
) -> None:
    endpoints = ShapedEndpoints(shapes=environment)
    endpoints._given = world.manager("run")
    shapes = {"entities": "serverless:4096", "keywords": "serverless:4096"}  # two models, one endpoint
    endpoints.warm(["keywords"], shapes)

    def hold() -> None:
        with endpoints.lease("keywords", shapes=shapes), endpoints.lease("entities", shapes=shapes):
            assert memories(world) == {of_workflow}
            with endpoints.lease("keywords"):
                assert memories(world) == {of_workflow, of_others}

    world.together(hold)
