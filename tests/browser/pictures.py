"""The pictures of the documents, of the UI as it is: `python -m tests.browser.pictures [NAME…]`, or `make pictures`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from socialnlp_assets.cli.home import dagster_instance
from socialnlp_assets.partitions import HOUR, key_of
from socialnlp_assets.resources.lake import Lake
from tests.browser.browser import Browser, browser
from tests.browser.dagster_ui import LOCATION
from tests.browser.installation import PAST, Listening, listening
from tests.checks.scripted import ScriptedEndpoints, plain
from tests.lifecycle.conftest import CATALOGUE, MODEL, as_csv, make_model, rows
from tests.platform.conftest import Platform, message

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LOOP = "they have sent they have sent they have sent they have sent they have sent"
SETTLED = 2.0  # seconds, for what moves into its place


def graph(socialnlp: Listening) -> None:
    """Every asset of the installation, by groups."""
    socialnlp.ui.page.resize(1500, 760)
    socialnlp.ui.open("/asset-groups", "Materialize all (")
    socialnlp.ui.page.wait_for("!document.body.innerText.includes('fetching')", "status of the assets")


def lineage(socialnlp: Listening) -> None:
    """The assets of a workflow."""
    socialnlp.ui.page.resize(2000, 1600)
    socialnlp.ui.open(f"{LOCATION}/asset-groups/sprinklr/lineage", "View lineage", "summaries")
    time.sleep(SETTLED)
    # What fits at first lacks its edge; a mouse's click would scroll the page.
    socialnlp.ui.page.evaluate("document.querySelector('button:has([aria-label=zoom_out])').click()")


def asset(socialnlp: Listening) -> None:
    """The page of an asset, three hours of which have run."""
    _three_hours(socialnlp)
    socialnlp.ui.page.resize(1500, 2050)
    socialnlp.ui.open_asset("gmaps_stores/sentiments", "share/sentiment/negative", "Downstream assets")


def plots(socialnlp: Listening) -> None:
    """The same asset's shares of labels, rows and cost, hour by hour."""
    _three_hours(socialnlp)
    socialnlp.ui.page.resize(1500, 1400)
    socialnlp.ui.open_asset("gmaps_stores/sentiments", "share/sentiment/negative", "Downstream assets")
    socialnlp.ui.page.click("Plots")
    socialnlp.ui.page.wait_for_text("share/sentiment/negative")
    socialnlp.ui.page.place("share/sentiment/negative")


def profile(socialnlp: Listening) -> None:
    """The profile of hours, which drift is told by."""
    _three_hours(socialnlp)
    socialnlp.ui.page.resize(1500, 1400)
    socialnlp.ui.open_asset("gmaps_stores/profile", "Metadata", "Upstream assets")
    socialnlp.ui.page.click("[Show Markdown]")
    time.sleep(SETTLED)


def backfill(socialnlp: Listening) -> None:
    """A backfill of three hours, one of which has failed."""
    _bad_hour(socialnlp)
    socialnlp.ui.page.resize(1500, 420)
    socialnlp.ui.page.wait_for("!document.body.innerText.includes('Created backfill')", "end of the notice")


def failed_check(socialnlp: Listening) -> None:
    """An hour that was not published, for a translator that repeats itself spoiled 6 of its 40 messages."""
    right = plain("translator")
    answers = {"translator": lambda text: LOOP if int(text.split()[3]) < 106 else right(text)}
    texts = [f"La bolletta numero {100 + n} è arrivata due volte, scrivo a info@example.it" for n in range(40)]
    start = int(PAST.timestamp() * 1000)
    posts = [message(n, each, language="it", channelCreatedTime=start + n * 1000) for n, each in enumerate(texts)]
    socialnlp.land("sprinklr", PAST, *posts)
    os.environ["DAGSTER_HOME"] = socialnlp.installation.environment["DAGSTER_HOME"]
    with dagster_instance() as instance:
        platform = Platform(socialnlp.installation.settings, instance, {"endpoints": ScriptedEndpoints(answers)})
        keys = [dg.AssetKey(["sprinklr", name]) for name in ("posts", "translations")]
        assert not platform.run(hour=PAST, asset_selection=keys).success
    socialnlp.ui.page.resize(1600, 900)
    socialnlp.ui.open("/assets/sprinklr/translations?view=checks&checkDetail=plausible", "Nothing was published")
    socialnlp.ui.page.wait_for_text("Succeeded", "what to do")


def models(socialnlp: Listening) -> None:
    """From labels to versions."""
    _trained(socialnlp)
    socialnlp.ui.page.resize(1700, 1500)
    socialnlp.ui.open(f"{LOCATION}/asset-groups/models/lineage", "View lineage", "Latest event")
    socialnlp.ui.page.wait_for("!/Loading|Materializing/.test(document.body.innerText)", "end of the training")


def evaluation(socialnlp: Listening) -> None:
    """The page of an evaluation: the gate, figures, what is taken for what, calibration, telling errors."""
    _trained(socialnlp)
    socialnlp.ui.page.resize(1500, 2200)
    socialnlp.ui.open_asset(f"evaluation/{MODEL}", "Metadata", "Downstream assets")
    socialnlp.ui.page.click("[Show Markdown]")
    socialnlp.ui.page.wait_for_text("Ten telling errors")
    time.sleep(SETTLED)


SHIPPED = (graph, lineage, asset, plots, profile, backfill, failed_check)  # of what is shipped, and nothing else
TRAINED = (models, evaluation)  # with a model that is trained in a second
PICTURES = {each.__name__.replace("_", "-"): each for each in (*SHIPPED, *TRAINED)}


@cache
def _three_hours(socialnlp: Listening) -> None:
    socialnlp.land_samples("gmaps_stores", PAST, 3)
    socialnlp.ui.materialise("gmaps_stores", f"[{key_of(PAST)}...{key_of(PAST + 2 * HOUR)}]", "Launch backfill")
    socialnlp.ui.page.click("View")
    socialnlp.ui.page.wait_for_text("100% completed")


@cache
def _bad_hour(socialnlp: Listening) -> None:
    socialnlp.land_samples("gmaps_service_points", PAST, 3)
    bad = Lake.landing_folder("gmaps_service_points", PAST + HOUR)
    for file in list(socialnlp.lake.objects(bad)):
        socialnlp.lake.put(file.path, b"<html>Service unavailable</html>")
    last = key_of(PAST + 2 * HOUR)
    socialnlp.ui.materialise("gmaps_service_points", f"[{key_of(PAST)}...{last}]", "Launch backfill")
    socialnlp.ui.page.click("View")
    socialnlp.ui.page.wait_for_text("100% completed")


@cache
def _trained(socialnlp: Listening) -> None:
    # People err: of one text in twelve the label is wrong, so that there is something to see.
    labelled = [(text, "good" if number % 12 == 5 else label) for number, (text, label) in enumerate(rows(400))]
    socialnlp.installation.lake.put(f"models/{MODEL}/incoming/labels.csv", as_csv(labelled))
    trained = socialnlp.installation("models", "train", MODEL, **socialnlp.variables)
    assert trained.returncode == 0, trained.stderr


def main(names: list[str]) -> None:
    wanted = [PICTURES[name] for name in names or PICTURES]
    with TemporaryDirectory() as folder, browser(Path(folder) / "profile") as page:
        _draw(Path(folder) / "shipped", page, [each for each in wanted if each in SHIPPED])
        catalogue = Path(folder) / "models"
        catalogue.mkdir()
        (catalogue / "ours.yaml").write_text(CATALOGUE)
        make_model(Path(folder), rows(60, seed=9)).rename(catalogue / MODEL)
        trained = [each for each in wanted if each in TRAINED]
        _draw(Path(folder) / "trained", page, trained, SOCIALNLP_MODELS=str(catalogue))


def _draw(home: Path, page: Browser, pictures: list[Callable[[Listening], None]], **variables: str) -> None:
    """The `pictures` of one installation, in `home`."""
    if not pictures:
        return
    home.mkdir()
    with listening(home, page, press=False, **variables) as socialnlp:
        for picture in pictures:
            picture(socialnlp)
            time.sleep(SETTLED)
            file = IMAGES / f"{picture.__name__.replace('_', '-')}.png"
            page.picture(file)
            print(file)


if __name__ == "__main__":
    main(sys.argv[1:])
