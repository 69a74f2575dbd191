"""`socialnlp explore`: the data mart in marimo, a notebook of SQL and charts in the browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from socialnlp_assets.cli.extras import require
from socialnlp_assets.files import private_folder
from socialnlp_assets.settings import Settings


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=2718, show_default=True, help="0: any that is free.")
@click.option("--browser/--no-browser", default=True, help="Open it in the browser.")
def explore(port: int, browser: bool) -> None:
    """Open the data mart in marimo, for this machine alone. The notebook, explore/mart.py in the state directory, is
    yours to change, and kept.

    It works on a copy that is removed at the end: DuckDB lets nobody write a file that somebody has open.
    """
    require("explore")
    from socialnlp_assets.mart import build

    settings = Settings()
    mart = build.Mart(settings.state / "mart", settings.mart_models)
    folder = private_folder(settings.state / "explore")
    notebook = folder / "mart.py"
    if not notebook.exists():
        shutil.copyfile(Path(build.__file__).with_name("notebook.txt"), notebook)
    with tempfile.TemporaryDirectory(dir=folder) as copies:
        copy = Path(copies) / mart.file.name
        try:
            with mart.open():  # so that nobody writes it meanwhile
                shutil.copyfile(mart.file, copy)
        except build.MartError as error:
            raise click.ClickException(str(error)) from None
        options = ["--host", "127.0.0.1", *(["--port", str(port)] if port else []), "--skip-update-check"]
        options += ["--no-sandbox", *([] if browser else ["--headless"])]
        process = subprocess.Popen(
            [sys.executable, "-m", "marimo", "--yes", "edit", *options, str(notebook)],
            env=os.environ | {"SOCIALNLP_MART_COPY": str(copy)},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # at Ctrl-C it would ask whether one is sure; it is ended below
        )
        try:
            process.wait()
        finally:
            process.terminate()
            process.wait(timeout=30)
            shutil.rmtree(folder / "__marimo__", ignore_errors=True)  # what cells have shown, messages among it
