"""`ModelRegistry`: the registry of an installation, as assets and commands ask for it."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry


class ModelRegistry(dg.ConfigurableResource[None]):
    """In the lake; on AWS, kept in step with SageMaker's Model Registry."""

    lake: str = Field(description="a folder, or s3://bucket/prefix")
    is_on_sagemaker: bool = Field(default=False, description="whether versions are SageMaker's model packages as well")
    image: str = Field(default="", description="container image that serves the versions on SageMaker")
    prefix: str = Field(default="nlp", description="first part of the name of every group of packages")
    region: str = Field(default="", description="AWS region; empty: as AWS's own tools find it")
    endpoint_url: str = Field(default="", description="another address for all of AWS, for tests")

    def open(self) -> LakeRegistry:
        lake = Lake(uri=self.lake, region=self.region, endpoint_url=self.endpoint_url)
        if not self.is_on_sagemaker:
            return LakeRegistry(lake)
        from socialnlp_assets.resources.registry.sagemaker import SageMakerRegistry

        return SageMakerRegistry(
            lake, image=self.image, prefix=self.prefix, region=self.region, endpoint_url=self.endpoint_url
        )
