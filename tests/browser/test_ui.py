"""Dagster's UI on an installation as it comes: what its users do there, and what they see. The tests share one
installation, and each has hours of its own.
"""

from __future__ import annotations

import pytest

from socialnlp_assets.partitions import HOUR, key_of
from tests.browser.installation import NOW, PAST, Listening

pytestmark = pytest.mark.slow  # all of them together take a minute


def test_an_hour_is_materialised_and_the_page_of_an_asset_tells_all_of_it(socialnlp: Listening) -> None:
    ui, hour = socialnlp.ui, key_of(PAST)
    socialnlp.land_samples("gmaps_stores", PAST)
    ui.materialise("gmaps_stores", hour, "Launch 1 run")
    ui.open_newest_run("gmaps_stores")
    ui.page.wait_for_text(hour, "Success")
    beside = ("gmaps_stores / posts", "gmaps_stores / output")  # in its lineage
    shown = ui.open_asset("gmaps_stores/sentiments", hour, "rows_out", "share/sentiment/negative", "cost_usd", *beside)
    assert "Sentiment and emotion of a message, with the score of each label." in shown
    assert "by the models sentiment, emotion." in shown
    assert "score of negative, 2 decimals" in shown
    assert "row 1" in shown.split("preview")[1]
    ui.page.click("Plots")
    ui.page.wait_for_text("rows_out", "share/emotion/joy", "cost_usd")
    ui.page.wait_for("document.querySelectorAll('canvas').length > 8", "plots")
    assert "aspects-stores" in ui.open_asset("gmaps_stores/output", hour, "run/cost_usd", "run/endpoints")
    ui.open_asset("gmaps_stores/sentiments", "Execution history", view="checks&checkDetail=plausible")
    ui.page.click("Partitions")
    ui.page.wait_for_text("Passed (1)")


def test_hours_are_backfilled_and_a_failed_check_shows_its_rows(socialnlp: Listening) -> None:
    ui, first, bad, last = socialnlp.ui, PAST, PAST + HOUR, PAST + 2 * HOUR
    socialnlp.land_posts(first)
    socialnlp.land_posts(bad, "<div class=post>&lt;p&gt;The power is back in street {n}&lt;/p&gt;</div>")
    socialnlp.land_posts(last)
    ui.materialise("press", f"[{key_of(first)}...{key_of(last)}]", "Launch backfill")
    ui.page.click("View")
    shown = ui.page.wait_for_text("100% completed", "3 partitions")
    assert shown.split("100% completed")[1].split()[:4] == ["3", "0", "2", "1"]  # targeted, in progress, good, failed
    shown = ui.open_check("press/posts", "plausible", key_of(bad))
    assert "20 of 20 rows do not fit" in shown
    assert "The power is back in street" in shown
    assert "see what the source delivers" in shown


def test_a_sensor_runs_what_lands_once_it_is_switched_on_and_its_run_is_cancelled(socialnlp: Listening) -> None:
    ui = socialnlp.ui
    ui.switch("press_landing", on=False)
    socialnlp.land_article(NOW)
    ui.switch("press_landing", on=True)
    socialnlp.silent.settimeout(120)
    connection, _ = socialnlp.silent.accept()  # the run waits for its article
    with connection:
        ui.open_newest_run("press")
        ui.page.wait_for_text(key_of(NOW), "Started", "press__enrichments")
        ui.page.click("Terminate", "button")
        ui.page.click("Terminate 1 run", "button")
        ui.page.wait_for_text("Canceled")


def test_an_endpoint_that_nobody_needs_is_removed(socialnlp: Listening) -> None:
    ui = socialnlp.ui
    ui.switch("endpoint_reaper", on=False)
    left = socialnlp.installation("predict", "sentiment", text="The power is back", SOCIALNLP_WARM_SECONDS="0")
    assert left.returncode == 0, left.stderr
    assert "nlp-sentiment-" in socialnlp.installation("endpoints", "list").stdout
    ui.page.click("Preview tick result", "button")  # which evaluates the sensor, as its next tick would
    ui.page.click("Continue", "button")
    ui.page.wait_for_text("Result", "nlp-sentiment-")
    assert "nlp-sentiment-" not in socialnlp.installation("endpoints", "list").stdout
    ui.switch("endpoint_reaper", on=True)
