"""`SageMakerEndpoints`: the production models of the catalogue as endpoints on Amazon SageMaker."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import Field, PrivateAttr

from socialnlp_assets.models.artefacts import Artefact, ArtefactMissing, current
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.resources.endpoints.aws_errors import calling
from socialnlp_assets.resources.endpoints.backend import BackendError, EndpointSpec, ModelMissing
from socialnlp_assets.resources.endpoints.leases import LeaseManager
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.endpoints.sagemaker import SageMaker, client

logger = logging.getLogger(__name__)


class SageMakerEndpoints(Endpoints):
    """Creates the endpoints that the catalogue's ``aws`` sections describe, for as many machines as share `leases`.

    Credentials are those that AWS's own tools find.
    """

    image: str = Field(default="", description="container image that endpoints run")
    role_arn: str = Field(default="", description="role that endpoints run as")
    model_bucket: str = Field(default="", description="s3:// prefix under which model artefacts lie")

    _artefacts: dict[str, Artefact] = PrivateAttr(default_factory=dict)

    def specification(self, model: str, entry: ModelEntry) -> EndpointSpec:
        named = {
            "SOCIALNLP_SAGEMAKER_ROLE_ARN": self.role_arn,
            "SOCIALNLP_MODEL_BUCKET": self.model_bucket,
            "SOCIALNLP_ENDPOINT_IMAGE": self.image,
        }
        if missing := [name for name, value in named.items() if not value]:
            raise ValueError(f"endpoints on SageMaker need {', '.join(missing)}")
        artefact = self._artefact(model, entry)
        return sagemaker_spec(model, entry, artefact, self.image, self.role_arn, self.manager.store.name, self.prefix)

    def engine(self, model: str) -> str:
        aws = self.catalogue[model].aws
        return aws.engine or aws.source or super().engine(model)

    def _artefact(self, model: str, entry: ModelEntry) -> Artefact:
        if entry.aws.archive:
            return Artefact(entry.aws.archive, entry.aws.archive_sha256)
        if entry.embedded != self.catalogue[model].embedded:
            raise BackendError(
                f"this version of {model} has no archive that SageMaker could serve: it was trained for one machine. "
                f"Train it in this profile, or go back to another: socialnlp models rollback {model}"
            )
        if model not in self._artefacts:
            self._artefacts[model] = self._current(model, entry)
        return self._artefacts[model]

    def _current(self, model: str, entry: ModelEntry) -> Artefact:
        try:
            with calling(f"read which artefact of {model} is current"):
                s3 = client("s3", self.region, self.endpoint_url)
                return current(s3, self.model_bucket, model, entry.aws.revision)
        except ArtefactMissing as error:
            raise (BackendError if entry.embedded.is_made else ModelMissing)(str(error)) from None

    def _open(self) -> LeaseManager:
        if "://" not in self.leases:
            raise ValueError(
                f"leases at {self.leases} serve one machine, and endpoints on SageMaker are used by many; "
                "set SOCIALNLP_LEASES to s3://bucket/prefix"
            )
        if self.image and "@sha256:" not in self.image:
            logger.warning(
                "SOCIALNLP_ENDPOINT_IMAGE=%s names a tag, which may be moved to another image while endpoints are "
                "warm: name the image by its digest, …@sha256:…",
                self.image,
            )
        return self._managing(self.leases, SageMaker(region=self.region, endpoint_url=self.endpoint_url))


def sagemaker_spec(
    model: str, entry: ModelEntry, artefact: Artefact, image: str, role: str, store: str, prefix: str = "nlp"
) -> EndpointSpec:
    """What the catalogue says about the production endpoint of a model. The artefact's digest is part of it, so that
    another model is another endpoint, though it has the same name."""
    shape = entry.aws.endpoint
    config: dict[str, Any] = {
        "image": image,
        "role": role,
        "model_data": artefact.address,
        "model": artefact.sha256,
    }
    if shape.kind == "serverless":
        config |= {"memory_mb": shape.memory_mb, "max_concurrency": shape.max_concurrency}
    else:
        config |= {"instance_type": shape.instance_type, "instances": [shape.min_instances, shape.max_instances]}
    return EndpointSpec.of(model, shape.kind, config, store, prefix)
