"""What a command needs beyond a bare install, told before anything is started."""

from __future__ import annotations

import re
from importlib import metadata

import click

from socialnlp_assets.settings import Profile, Settings

PROJECT = "socialnlp-assets"


def require_server(*others: str) -> None:
    """Raises click.ClickException where the model server could not run here, or one of the extras `others` lacks
    something. On AWS, and with an interpreter of its own, the server is installed elsewhere."""
    settings = Settings()
    served_here = settings.profile is Profile.EMBEDDED and not settings.server_python
    require(*(["embedded"] if served_here else []), *others)


def require(*extras: str) -> None:
    """Raises click.ClickException where one of `extras` lacks something."""
    missing = [extra for extra in extras if not _is_installed(extra)]
    if missing:
        raise click.ClickException(
            f"this command needs more than the bare install: pip install '{PROJECT}[{','.join(missing)}]'"
        )


def _is_installed(extra: str) -> bool:
    """Whether every distribution that the extra names is there; which version is pip's concern."""
    asked = [line for line in metadata.requires(PROJECT) or [] if re.search(rf"extra == ['\"]{extra}['\"]", line)]
    try:
        for line in asked:
            metadata.distribution(re.split(r"[^\w.-]", line, maxsplit=1)[0])
    except metadata.PackageNotFoundError:
        return False
    return True
