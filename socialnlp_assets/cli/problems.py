"""What is wrong with an installation, in a sentence: settings, folders, credentials. Bugs keep their traceback."""

from __future__ import annotations

import errno
import os

from socialnlp_assets.models.catalogue import CatalogueError
from socialnlp_assets.resources.endpoints.backend import EndpointError
from socialnlp_assets.resources.leases.store import StoreError
from socialnlp_assets.resources.registry.versions import RegistryError
from socialnlp_assets.settings import SettingsError
from socialnlp_assets.sources.sources_file import SourcesError
from socialnlp_assets.workflow import WorkflowError

FULL = (errno.ENOSPC, errno.EDQUOT)
CREDENTIALS = "no AWS credentials were found; log in, set AWS_PROFILE, or use SOCIALNLP_PROFILE=embedded on one machine"
MOST_CHARACTERS = 300


def explain(error: BaseException) -> str | None:
    """The sentence for a mistake that its reader can mend, or None for any other error."""
    if isinstance(error, WorkflowError):
        return f"not every workflow file fits:\n{error}"
    if isinstance(error, CatalogueError):
        return f"not every model of the catalogue fits:\n{error}"
    if isinstance(error, SettingsError | SourcesError | EndpointError | StoreError | RegistryError):
        return str(error)
    if isinstance(error, OSError) and (error.filename or error.errno in FULL):
        reason = error.strerror or type(error).__name__
        first = f"{error.filename}: {reason}" if error.filename else reason
        remedy = "free some room; " if error.errno in FULL else ""
        return f"{first}; {remedy}SOCIALNLP_STATE, SOCIALNLP_LAKE and DAGSTER_HOME say where things are kept"
    module = type(error).__module__.split(".")[0]
    if module == "botocore":
        return CREDENTIALS if "Credentials" in type(error).__name__ else f"AWS: {_first_line(error)}"
    if module == "obstore":
        # Its messages go on with what the object store's client is made of.
        return f"the lake cannot be reached: {_first_line(error)}; are SOCIALNLP_LAKE and the AWS credentials right?"
    if module in ("sqlalchemy", "sqlite3"):
        home, what = os.environ.get("DAGSTER_HOME", "DAGSTER_HOME"), _first_line(getattr(error, "orig", None) or error)
        return (
            f"Dagster's history in {home} cannot be used: {what}. It needs room on a disk that we may write; where it "
            "is damaged, move its folder `history` away: hours and their tables stay, what ran is forgotten"
        )
    if module == "yaml" or type(error).__name__ == "DagsterInvalidConfigError":
        return f"a file cannot be used as it is: {' '.join(str(error).split())[:MOST_CHARACTERS]}"
    if module == "dagster" and type(error).__name__ == "DagsterHomeNotSetError":
        return "set DAGSTER_HOME to the folder of the Dagster instance, which holds its dagster.yaml"
    return None


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:MOST_CHARACTERS]
