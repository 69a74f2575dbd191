"""The resources of an installation. Nothing here connects to anything before a step uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.settings import Settings


def build_lake(settings: Settings) -> Lake:
    return Lake(uri=settings.lake_uri, region=settings.aws_region, endpoint_url=settings.aws_endpoint_url or "")


def build_resources(settings: Settings) -> dict[str, Any]:
    """The resources of an installation, by the names that assets and sensors ask for."""
    return {
        "lake": build_lake(settings),
        "endpoints": endpoints_resource(settings),
        "articles": dg.ResourceDefinition(lambda _: _articles(settings)),
        "secrets": dg.ResourceDefinition(lambda _: _secrets(settings)),
    }


def endpoints_resource(settings: Settings) -> dg.ResourceDefinition:
    """The endpoints for a run: built once a run, so that leases carry its name, and closed at its end."""

    @dg.resource
    def endpoints(context: dg.InitResourceContext) -> Iterator[Any]:
        from socialnlp_assets.resources.endpoints.resource import build_endpoints

        run, workflow = (context.run.run_id, context.run.job_name) if context.run else ("", "")
        with build_endpoints(settings, run=run, workflow=workflow) as endpoints:
            yield endpoints

    return endpoints


def _articles(settings: Settings) -> Any:
    from socialnlp_assets.resources.articles import Articles, PageCache

    # As long as an hour can be run again.
    cache = PageCache(settings.state / "articles.db", settings.raw_retention_days)
    return Articles(settings.article_allowed_hosts, cache=cache)


def _secrets(settings: Settings) -> Any:
    from socialnlp_assets.resources.secrets import build_secrets

    return build_secrets(settings)
