"""Adds what has changed in the output to the mart, by dbt."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from socialnlp_assets.files import private_folder
from socialnlp_assets.mart.models import assemble, digest
from socialnlp_assets.mart.stage import ChangedHour, remember, stage
from socialnlp_assets.resources.lake import Lake

if TYPE_CHECKING:  # loading the code location need not wait for it
    import duckdb

FILE = "mart.duckdb"
GOOD = ("success", "pass")


class MartError(Exception):
    """The mart could not be brought up to date; it goes on knowing which hours it lacks."""


@dataclass(frozen=True)
class Outcome:
    """What came of one model or test."""

    name: str
    kind: str  # dbt's: model, test
    status: str  # success, pass, warn, fail, error, skipped
    seconds: float
    message: str
    sql: str  # as it was run; empty where it was not

    @property
    def is_good(self) -> bool:
        return self.status in GOOD


@dataclass(frozen=True)
class Build:
    """The hours that were added, and what came of each model and test."""

    hours: list[ChangedHour]
    outcomes: list[Outcome]

    @property
    def problems(self) -> list[str]:
        """A sentence each; empty when all is well."""
        return [f"{each.name}: {each.message or each.status}" for each in self.outcomes if not each.is_good]


@dataclass(frozen=True)
class Mart:
    """The mart of an installation: a DuckDB file in `folder`. `own` is a folder of further models."""

    folder: Path
    own: Path | None = None

    @property
    def file(self) -> Path:
        return self.folder / FILE

    def open(self) -> closing[duckdb.DuckDBPyConnection]:
        """A connection that can only read; raises `MartError` where there is no mart, or it is being written."""
        import duckdb

        if not self.file.exists():
            raise MartError(f"there is no {self.file}; materialise the mart's assets first (the job mart)")
        database = duckdb.connect()
        self.attach(database)
        return closing(database)

    def attach(self, database: duckdb.DuckDBPyConnection) -> None:
        """Let `database` read the mart's tables beside its own; raises `MartError` while the mart is written."""
        import duckdb

        try:
            path = str(self.file).replace("'", "''")
            database.execute(f"ATTACH '{path}' AS mart (READ_ONLY)")
        except duckdb.IOException as error:
            raise MartError(f"the mart is being brought up to date; try again in a moment: {error}") from error
        database.execute("SET search_path = 'memory.main,mart.main'")

    def update(self, lake: Lake, workflows: Iterable[str]) -> Build:
        """Bring the mart to what `lake` has of `workflows` now. Where it was built by another version's models it is
        built from nothing: hours that have not changed would keep what those made of them.

        Raises `MartError` where dbt cannot run at all. What a model or a test fails of is in the outcomes; the hours
        are added again at the next time, then.
        """
        import duckdb

        private_folder(self.folder)
        built_by, ours = self.folder / "built_by", digest()
        if not built_by.exists() or built_by.read_text(encoding="utf-8") != ours:
            self.file.unlink(missing_ok=True)
            built_by.write_text(ours, encoding="utf-8")
        with closing(duckdb.connect(str(self.file))) as database:
            hours = stage(database, lake, workflows)
        build = Build(hours, self.run_models())
        if not build.problems:
            with closing(duckdb.connect(str(self.file))) as database:
                remember(database)
        return build

    def run_models(self) -> list[Outcome]:
        """Build and test every model of what is staged. Raises `MartError` where dbt cannot run."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.artifacts.schemas.run import RunExecutionResult
        from dbt.cli.main import dbtRunner

        project = assemble(self.folder, self.own)
        options = {
            "project-dir": project,
            "profiles-dir": project,
            "target-path": self.folder / "target",
            "log-path": self.folder / "logs",
            "vars": json.dumps({"file": str(self.file)}),
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        try:
            done = dbtRunner().invoke(["--quiet", "--no-use-colors", "build", *words])
        finally:
            DuckDBConnectionManager.close_all_connections()  # nobody else can open the file as long as one is open
        if done.exception is not None:
            raise MartError(f"dbt could not build the mart: {done.exception}") from done.exception
        if not isinstance(done.result, RunExecutionResult):
            raise MartError(f"dbt answers {done.result!r} to a build")
        return [
            Outcome(
                result.node.name,
                str(result.node.resource_type),
                str(result.status),
                result.execution_time,
                result.message or "",
                getattr(result.node, "compiled_code", None) or "",
            )
            for result in done.result
        ]
