"""The resource layer of SageMaker's SDK: the package `sagemaker-core`, of the extra `training`.

Only what trains and registers models uses it, and imports it no sooner: leases and endpoints do with boto3.
"""

from __future__ import annotations

from functools import cache
from typing import Any


class NotInstalled(Exception):
    """The SDK is not here; the message says what to install."""


def resources() -> Any:
    """The module of its resources. Raises `NotInstalled`."""
    try:
        from sagemaker.core import resources
    except ModuleNotFoundError as error:
        raise NotInstalled(
            f"SageMaker's training jobs and Model Registry need {error.name}: pip install 'socialnlp-assets[training]'"
        ) from None
    return resources


def blazingtext_image(region: str) -> str:
    """The address of AWS's container BlazingText, in a region. Raises `NotInstalled`."""
    resources()
    from sagemaker.core import image_uris

    return str(image_uris.retrieve("blazingtext", region))


@cache
def open_session(region: str, endpoint_url: str) -> Any:
    """The session that its resources are asked with; one for each, for it keeps clients by session."""
    import boto3

    class Session(boto3.session.Session):  # type: ignore[misc]
        def client(self, *args: Any, **given: Any) -> Any:
            return super().client(*args, **given, **({"endpoint_url": endpoint_url} if endpoint_url else {}))

    return Session(region_name=region or None)
