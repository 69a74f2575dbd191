"""What the commands print when all is well."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import socialnlp_assets.workflow
from socialnlp_assets.assets.quarantine import Rejected, write_quarantine
from socialnlp_assets.models import load_catalogue
from socialnlp_assets.resources.hours import HourRecord, hour_store, take
from socialnlp_assets.resources.leases.store import change
from tests.cli.conftest import Installation

HOUR = datetime(2026, 11, 20, 8, tzinfo=UTC)
TEXTS = ["u can't trust them, the power is off again!!!", "", "Great service and kind people at the new office"]
PAGE = """<!DOCTYPE html><html lang="en"><head><title>Wind farm opens | The Courier</title></head><body><nav>Home</nav>
<article><h1>Wind farm opens</h1>{}</article></body></html>"""
PARAGRAPH = "<p>The wind farm near the coast was opened on Monday and will supply forty thousand homes with power.</p>"


@pytest.mark.slow
@pytest.mark.parametrize("model", load_catalogue().names())
def test_predict_answers_each_line_by_one_json_value(socialnlp: Installation, model: str) -> None:
    outcome = socialnlp("predict", model, text="\n".join(TEXTS) + "\n", SOCIALNLP_WARM_SECONDS="0")
    assert outcome.returncode == 0, outcome.stderr
    answers = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert len(answers) == len(TEXTS)
    entry = load_catalogue()[model]
    for answer in answers:
        if entry.targets:
            assert list(answer) == list(entry.targets)
        assert not any("error" in value for value in (answer.values() if entry.targets else [answer]))
        for scores in answer.values() if entry.targets else [answer]:
            if "scores" in scores:
                assert set(scores["scores"]) == set(entry.labels)


@pytest.mark.slow
def test_predict_reads_a_file_in_its_language(socialnlp: Installation) -> None:
    file = socialnlp.folder / "posts.txt"
    file.write_text("la luce è tornata\n", encoding="utf-8")
    outcome = socialnlp("predict", "translator", "--language", "it", str(file))
    assert outcome.returncode == 0, outcome.stderr
    answer = json.loads(outcome.stdout)
    assert "light" in answer["text"].lower()
    assert (answer["engine"], answer["known"]) == ("lexicon-translation", 1.0)


def test_extract_prints_a_saved_page_as_json(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    page = socialnlp.folder / "page.html"
    page.write_text(PAGE.format(PARAGRAPH * 3), encoding="utf-8")
    assert socialnlp.here(monkeypatch, "extract", str(page)) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["title"] == "Wind farm opens"
    assert found["language"] == "en"
    assert "forty thousand homes" in found["text"]


def test_quarantine_lists_what_waits_and_why(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rejected = Rejected("has no time; add createdTime", '{"messageId": "m1"}', file="landing/batch.json", position=3)
    write_quarantine(socialnlp.lake, "sprinklr", "posts", HOUR, [rejected])
    assert socialnlp.here(monkeypatch, "quarantine", "list", "--workflow", "sprinklr", "--records") == 0
    shown = capfd.readouterr().out
    for text in ("2026-11-20-08:00", "posts", "landing/batch.json:3", "has no time; add createdTime", '"m1"'):
        assert text in shown
    asked = "SELECT workflow, hour, step, file, position, reason FROM quarantine"
    assert socialnlp.here(monkeypatch, "query", "--json", asked) == 0
    row = {"workflow": "sprinklr", "hour": "2026-11-20 08:00:00+00:00", "step": "posts", "file": "landing/batch.json"}
    assert json.loads(capfd.readouterr().out) == row | {"position": 3, "reason": rejected.reason}
    assert "1 records in quarantine" in shown
    assert socialnlp.here(monkeypatch, "quarantine", "list", "--workflow", "rwanda") == 0
    assert capfd.readouterr().out.startswith("0 records in quarantine")


@pytest.mark.slow
def test_quarantine_replay_tries_what_is_chosen_and_leaves_the_rest(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two records that the code of then could not take; that of now can."""
    review = {"createTime": "2026-11-20T08:10:00Z", "starRating": "FIVE", "comment": "", "language": "en"}
    places = "accounts/1/locations/2/reviews"
    path = f"{socialnlp.lake.landing_folder('gmaps_stores', HOUR)}/batch.json"
    records = [review | {"reviewId": f"r{n}", "name": f"{places}/r{n}", "place_type": "store"} for n in range(3)]
    socialnlp.lake.put(path, json.dumps(records).encode())
    rejected = [Rejected(f"was broken {n}", "{}", file=path, position=n) for n in (0, 1)]
    write_quarantine(socialnlp.lake, "gmaps_stores", "posts", HOUR, rejected)

    def replay(*options: str) -> tuple[int, str]:
        code = socialnlp.here(monkeypatch, "quarantine", "replay", "gmaps_stores", *options)
        shown = capfd.readouterr()
        return code, " ".join((shown.out + shown.err).split())

    for options, told in {
        ("2026-11-20-09:00",): "nothing of this workflow is in quarantine for 2026-11-20-09:00",
        ("--step", "post"): "gmaps_stores has no step 'post'; choose one of posts, ",
        ("--only", f"{path}:7"): "batch.json:7: not in quarantine; `socialnlp quarantine list` shows what is",
        ("--step", "posts", "--reason", "no such"): "nothing in quarantine fits all of these options",
    }.items():
        code, shown = replay(*options)
        assert (code, told in shown) == (2, True), shown
    store = hour_store(socialnlp.lake)
    take(store, "gmaps_stores", HOUR, "another")
    assert "2026-11-20-08:00 is under way" in replay()[1]
    change(store, HourRecord(workflow="gmaps_stores", hour=HOUR), lambda each, _: each.released("another"))

    code, shown = replay("--only", f"{path}:1")
    assert "2026-11-20-08:00: 1 records tried again, 1 in quarantine now, run " in shown
    assert code == 0
    posts = socialnlp.lake.read_table(socialnlp.lake.table_path("gmaps_stores", "posts", HOUR))
    assert posts["landing_position"].to_pylist() == [1, 2]
    assert "1 records tried again, 0 in quarantine now" in replay()[1]
    assert replay() == (0, "nothing of gmaps_stores is in quarantine")


@pytest.mark.slow
def test_a_new_workflow_fits_is_listed_and_has_its_table(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = socialnlp.folder / "workflows"
    folder.mkdir()
    monkeypatch.setenv("COLUMNS", "200")
    for arguments in ("new france", "check", "list", "table france"):
        assert socialnlp.here(monkeypatch, "workflows", *arguments.split(), SOCIALNLP_WORKFLOWS=str(folder)) == 0
    new, fit, *listed = capfd.readouterr().out.split("\n", 2)
    assert new.startswith(str(folder / "france.yaml"))
    assert fit == "6 workflows fit"
    assert "france" in listed[0]
    assert "classifications → sentiments" in listed[0]
    tables = {table["Name"]: table for table in json.loads(listed[0][listed[0].index("\n[") :])}
    assert set(tables) == {"france", "france_files", "france_generations"}
    columns = {column["Name"] for column in tables["france_files"]["StorageDescriptor"]["Columns"]}
    assert columns >= {"message_id", "sentiment"}


def test_new_takes_no_name_that_is_taken(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = socialnlp.folder / "workflows"
    variables = {"SOCIALNLP_WORKFLOWS": str(folder)}
    folder.mkdir()
    assert socialnlp.here(monkeypatch, "workflows", "new", "france", **variables) == 0
    assert socialnlp.here(monkeypatch, "workflows", "new", "france", **variables) == 1
    assert "is there already; choose another name" in capfd.readouterr().err
    assert socialnlp.here(monkeypatch, "workflows", "new", "Not-a-name", **variables) == 1
    assert "lower-case letters" in capfd.readouterr().err
    assert socialnlp.here(monkeypatch, "workflows", "new", "sprinklr", **variables) == 1
    assert "is there already; choose another name" in capfd.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["france.yaml"]


@pytest.mark.parametrize(("place", "written"), [("checkout", True), ("lib/python3.11/site-packages", False)])
def test_new_writes_into_a_checkout_but_not_into_an_installed_package(
    socialnlp: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    place: str,
    written: bool,
) -> None:
    built_in = socialnlp.folder / place / "socialnlp_assets" / "workflows"
    built_in.mkdir(parents=True)
    monkeypatch.setattr(socialnlp_assets.workflow, "BUILT_IN", built_in)
    assert socialnlp.here(monkeypatch, "workflows", "new", "france") == (0 if written else 1)
    assert (built_in / "france.yaml").exists() == written
    assert ("set SOCIALNLP_WORKFLOWS to a folder of your own" in capfd.readouterr().err) != written


def test_check_names_file_and_line(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = socialnlp.folder / "france.yaml"
    file.write_text("name: france\nsource: {kind: dropped, languages: [fr]}\nsteps: {sentimets: }\n", encoding="utf-8")
    assert socialnlp.here(monkeypatch, "workflows", "check", str(file)) == 1
    told = capfd.readouterr().err
    assert "france.yaml:3: steps.sentimets: there is no such field; did you mean `sentiments`?" in told


def test_models_list_shows_the_whole_catalogue(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert socialnlp.here(monkeypatch, "models", "list") == 0
    shown = capfd.readouterr().out
    assert all(f"{name} " in shown for name in load_catalogue().names())
    assert "facebook/m2m100_418M" in shown


def test_nothing_to_do_is_help(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert socialnlp.here(monkeypatch) == 2
    assert "Usage: socialnlp" in capfd.readouterr().err
    assert Path(socialnlp.folder / "state").exists() is False
