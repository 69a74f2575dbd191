"""`socialnlp models install`: a production model from a hub into service."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from socialnlp_assets.models import packaging
from socialnlp_assets.models.artefacts import ARCHIVE
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.packaging_source import digest
from socialnlp_assets.resources.build import build_lake, build_registry
from socialnlp_assets.resources.registry.registry import store_files
from socialnlp_assets.resources.registry.versions import Made, State
from socialnlp_assets.resources.trainers.local import upload_version
from socialnlp_assets.settings import Profile, Settings


def install_model(settings: Settings, name: str, entry: ModelEntry, *, source: str, force: bool, who: str) -> None:
    """Raises `PackagingError`; nothing is registered then."""
    click.echo(f"fetching and converting {source or entry.aws.source}")
    kept = settings.state / "hub"
    with packaging.make_folder_of(name, entry, source=source, force=force, kept=kept) as (folder, provenance):
        folder_there, content, files, size = store_files(build_lake(settings), name, folder)
        archive, sha256 = _archived(settings, name, folder)
    origin = f"{provenance['source']}@{provenance['revision']}"
    made = Made(
        model=name, folder=folder_there, digest=content, files=files, size=size, source=origin, archive=archive,
        archive_sha256=sha256,
    )  # fmt: skip
    registry = build_registry(settings).open()
    version = registry.register(made, who, f"installed from {origin}")
    if version.state is not State.APPROVED:
        registry.decide(name, version.number, State.APPROVED, who, f"installed from {origin}")
    click.echo(f"{origin}, licence {provenance['licence'] or 'unknown'}")
    if check := provenance.get("self_check"):
        click.echo("  agrees with its original: " + ", ".join(f"{key} {value}" for key, value in check.items()))
    click.echo(f"{name}: version {version.number}, {size / 1e6:.1f} MB, is in service from the next hour on")


def _archived(settings: Settings, name: str, folder: Path) -> tuple[str, str]:
    """Where endpoints on SageMaker find it; nothing on one machine."""
    if settings.profile is not Profile.AWS or not settings.model_bucket:
        return "", ""
    with tempfile.TemporaryDirectory(prefix="socialnlp-install-") as scratch:
        archive = packaging.write_archive(folder, Path(scratch) / ARCHIVE)
        address = upload_version(
            archive, settings.model_bucket, name, settings.aws_region, settings.aws_endpoint_url or ""
        )
        return address, digest(archive)
