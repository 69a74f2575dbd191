"""The resources of an installation. Nothing here connects to anything before a step uses it."""

from __future__ import annotations

from typing import Any

from socialnlp_assets.resources.articles.articles import Articles
from socialnlp_assets.resources.endpoints.local_resource import LocalEndpoints
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.sagemaker_resource import SageMakerEndpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.resource import ModelRegistry
from socialnlp_assets.resources.secrets import build_secrets
from socialnlp_assets.resources.trainers.local import LocalTrainer
from socialnlp_assets.resources.trainers.sagemaker import SageMakerTrainer
from socialnlp_assets.resources.trainers.trainer import Trainer
from socialnlp_assets.settings import Profile, Settings


def build_resources(settings: Settings) -> dict[str, Any]:
    """The resources of an installation, by the names that assets and sensors ask for."""
    return {
        "lake": build_lake(settings),
        "trainer": build_trainer(settings),
        "registry": build_registry(settings),
        "endpoints": build_endpoints(settings),
        "articles": Articles(
            allowed_hosts=sorted(settings.article_allowed_hosts),
            cache=str(settings.state / "articles.db"),
            cache_days=settings.raw_retention_days,  # as long as an hour can be run again
            keep_personal_data=settings.keep_personal_data,
        ),
        "secrets": build_secrets(settings),
    }


def build_lake(settings: Settings) -> Lake:
    return Lake(uri=settings.lake_uri, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url or "")


def build_registry(settings: Settings) -> ModelRegistry:
    """The registry of models: in the lake, and where training jobs are SageMaker's, in its Model Registry as well."""
    return ModelRegistry(
        lake=settings.lake_uri,
        is_on_sagemaker=settings.profile is Profile.AWS and bool(settings.training_image),
        image=settings.endpoint_image,
        prefix=settings.endpoint_prefix,
        region=settings.aws_region,
        endpoint_url=settings.aws_endpoint_url or "",
    )


def build_trainer(settings: Settings) -> Trainer:
    """Where models are trained: by jobs on SageMaker where there is an image for them, else on this machine."""
    common: dict[str, Any] = {"region": settings.aws_region, "endpoint_url": settings.aws_endpoint_url or ""}
    is_aws = settings.profile is Profile.AWS
    if is_aws and settings.training_image:
        return SageMakerTrainer(
            image=settings.training_image,
            role_arn=settings.training_role_arn or settings.sagemaker_role_arn,
            model_bucket=settings.model_bucket,
            prefix=settings.endpoint_prefix,
            **common,
        )
    return LocalTrainer(
        state=str(settings.state),
        python=settings.server_python,
        model_bucket=settings.model_bucket if is_aws else "",
        **common,
    )


def build_endpoints(settings: Settings) -> Endpoints:
    """The endpoints of an installation: processes of this machine, or SageMaker's in the cloud."""
    common: dict[str, Any] = {
        "prefix": settings.endpoint_prefix,
        "leases": settings.lease_uri,
        "lease_seconds": settings.lease_seconds,
        "warm_seconds": settings.seconds_warm,
        "lifetime_seconds": settings.deadline_seconds,
        "models": str(settings.models or ""),
        "shapes": dict(settings.endpoint_shapes),
        "lake": settings.lake_uri,
        "prices": str(settings.prices or ""),
        "region": settings.aws_region,
        "endpoint_url": settings.aws_endpoint_url or "",
    }
    if settings.profile is Profile.EMBEDDED:
        return LocalEndpoints(state=str(settings.state), python=settings.server_python, **common)
    return SageMakerEndpoints(
        image=settings.endpoint_image,
        role_arn=settings.sagemaker_role_arn,
        model_bucket=settings.model_bucket,
        **common,
    )
