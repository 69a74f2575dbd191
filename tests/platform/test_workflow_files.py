"""Workflow files: what they may say, and how mistakes in them are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.settings import Profile, Settings
from socialnlp_assets.workflow import BUILT_IN, WorkflowError, load_workflow, load_workflows, running_workflows
from tests.platform.conftest import Platform

GOOD = """\
name: mine
description: Mine.
source:
  kind: dropped
  languages: [en]
steps:
  keywords:
"""


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkflowError) as error:
        load_workflow(path)
    return [line.removeprefix(f"{path}:") for line in str(error.value).splitlines()]


def test_the_built_in_workflows_fit() -> None:
    workflows = load_workflows()
    assert sorted(workflows) == ["gmaps_service_points", "gmaps_stores", "open_web", "rwanda", "sprinklr"]
    assert list(workflows["sprinklr"].steps) == [
        "translations", "filtered_text", "enrichments", "classifications",
        "sentiments", "keywords", "entities", "themes", "summaries",
    ]  # fmt: skip
    assert all(len(path.read_text().splitlines()) <= 20 for path in BUILT_IN.glob("*.yaml"))


def test_a_workflow_declares_the_endpoints_of_an_hour() -> None:
    assert load_workflows()["gmaps_stores"].models() == ["normalizer", "aspects-stores", "sentiment", "emotion"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("keywords", "keyword"), "7: steps.keyword: there is no such field; did you mean `keywords`?"),
        (GOOD.replace("  languages: [en]\n", ""), "3: source.languages: is missing; add `languages:`"),
        (GOOD.replace("[en]", "[english]"), "5: source.languages.0: 'english' does not fit; write an ISO 639-1 code"),
        (GOOD.replace("[en]", "[en, it]"), "5: source.languages: it would stay untranslated; add the step"),
        (GOOD.replace("dropped", "google_maps"), "3: source: google_maps needs a place_type"),
        (GOOD.replace("keywords:", "keywords: {model: emotion}"), "7: steps.keywords.model: the model 'emotion' does"),
        (GOOD.replace("keywords:", "themes: {model: nope}"), "7: steps.themes.model: the model 'nope' is not in"),
        (GOOD.replace("name: mine", "name: yours"), "1: name: 'yours' must be the file's own name"),
        (GOOD.replace("keywords:", "keywords: ["), "8: not YAML"),
        (GOOD + "  keywords:\n", "8: steps.keywords: is there twice"),
        (GOOD.replace("source:", 'owners: ["not an owner!"]\nsource:'), "3: owners.0: 'not an owner!' does not fit"),
        (GOOD + "  translations: {google: [fr]}\n", "8: steps.translations.google.0: no message in 'fr' is translated"),
        (
            GOOD + "  sentiments: {reads: enrichments}\n",
            "8: steps.sentiments.reads: no step before it writes a text called 'enrichments'; choose one of posts",
        ),
        ("- a list", "1: a workflow is a mapping"),
        (
            GOOD + "endpoints:\n  keywords: large\n",
            "9: endpoints.keywords: 'large': write ml.c6i.xlarge, ml.c6i.xlarge*",
        ),
        (
            GOOD + "endpoints:\n  keywords: serverless:5000\n",
            "9: endpoints.keywords: 'serverless:5000': memory_mb is one",
        ),
        (
            GOOD + "endpoints:\n  themes: ml.m5.large\n",
            "9: endpoints.themes: no step asks 'themes'; name one of keywords, or take the line out",
        ),
        (
            GOOD + "  entities:\nendpoints:\n  keywords: ml.m5.large\n  entities: ml.c5.large\n",
            "11: endpoints.entities: it is on the endpoint of keywords, which has another shape; leave one of them",
        ),
    ],
)
def test_a_mistake_is_told_with_line_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    found = mistakes(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_an_anchor_inside_itself_is_told(tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD.replace("steps:", "steps: &all").replace("keywords:", "keywords: *all"))
    assert found[0] == "7: steps.keywords: is inside itself, by an anchor; write out what it holds"


def test_a_step_reads_the_text_that_its_models_were_made_for_or_that_its_workflow_names(tmp_path: Path) -> None:
    steps = load_workflows()["sprinklr"].steps
    assert steps["sentiments"].text == ("translations", "text_en")
    assert steps["keywords"].text == ("enrichments", "text_enriched")
    assert load_workflows()["gmaps_stores"].steps["sentiments"].text == ("posts", "message")
    text = GOOD + "  filtered_text:\n  sentiments: {reads: filtered_text}\n  summaries: {reads: posts}\n"
    (tmp_path / "mine.yaml").write_text(text)
    steps = load_workflow(tmp_path / "mine.yaml").steps
    assert steps["sentiments"].text == ("filtered_text", "text_clean")
    assert steps["summaries"].text == ("posts", "message")
    assert steps["summaries"].inputs() == ["posts"]


@pytest.mark.parametrize("name", ["retention", "landing", "output", "leases", "pull_sprinklr", "config", "import"])
def test_a_name_that_means_something_else_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_text(GOOD.replace("name: mine", f"name: {name}"))
    with pytest.raises(WorkflowError, match=f"^{path}:1: name: '{name}' means something else here; choose another"):
        load_workflow(path)


@pytest.mark.parametrize(
    ("languages", "translations", "expected"),
    [
        (
            "fr, es",
            "",
            "5: source.languages: the embedded translator does not read es, only it, fr, sw, en; take that out",
        ),
        ("fr, es", "{google: [es]}", ""),
        ("zz", "{google: [zz]}", "5: source.languages.0: no text can be told to be in 'zz'; write the ISO 639-1 code"),
    ],
)
def test_languages_that_nobody_knows_are_told(tmp_path: Path, languages: str, translations: str, expected: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("[en]", f"[{languages}]") + f"  translations: {translations}\n")
    load_workflow(path)
    if not expected:
        load_workflow(path, profile=Profile.EMBEDDED)
        return
    with pytest.raises(WorkflowError) as error:
        load_workflow(path, profile=Profile.EMBEDDED)
    assert str(error.value).startswith(f"{path}:{expected}")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD.replace("description: Mine.\n", "").replace("[en]", "[]").replace("keywords", "k"))
    assert [line.split(":")[0] for line in found] == ["1", "4", "6"]


def test_a_name_can_be_taken_only_once(tmp_path: Path) -> None:
    (tmp_path / "sprinklr.yaml").write_text((BUILT_IN / "sprinklr.yaml").read_text())
    with pytest.raises(WorkflowError, match="'sprinklr' is taken by another file"):
        load_workflows(tmp_path)


def test_a_workflow_that_is_off_runs_where_the_settings_name_it(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD + "enabled: false\n")
    assert "mine" not in running_workflows(Settings(workflows=tmp_path))
    assert "mine" in running_workflows(Settings(workflows=tmp_path, enable="mine, sprinklr"))  # type: ignore[arg-type]
    with pytest.raises(WorkflowError, match="SOCIALNLP_ENABLE: no workflow is called nine; there are gmaps_"):
        running_workflows(Settings(workflows=tmp_path, enable="nine"))  # type: ignore[arg-type]


def test_a_workflow_may_name_a_model_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "mine.yaml").write_text(GOOD.replace("keywords:", "themes: {model: irony}"))
    (tmp_path / "models").mkdir()
    entry = (
        "irony:\n  description: Irony.\n  task: multi-label\n  labels: [ironic, plain]\n  embedded: {model: irony}\n"
    )
    (tmp_path / "models" / "mine.yaml").write_text(entry)
    settings = Settings(workflows=tmp_path / "workflows", models=tmp_path / "models")
    themes = running_workflows(settings)["mine"].steps["themes"]
    assert [column.name for column in themes.columns()][::2] == ["theme_ironic", "theme_plain"]
    with pytest.raises(WorkflowError, match="the model 'irony' is not in the catalogue"):
        running_workflows(Settings(workflows=tmp_path / "workflows"))


def test_the_hours_of_a_workflow_ask_for_endpoints_of_its_shapes(tmp_path: Path) -> None:
    found = []

    class Asked:
        def warm(self, models: Sequence[str], shapes: Mapping[str, str]) -> None:
            found.append((tuple(models), dict(shapes)))

    (tmp_path / "mine.yaml").write_text(f"{GOOD}endpoints:\n  keywords: ml.m5.large*1-2\n")
    settings = Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state", workflows=tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        platform = Platform(settings, instance, {"endpoints": Asked()})
        platform.land([], workflow="mine")
        assert platform.ingest("mine").success
    assert found == [(("keywords",), {"keywords": "ml.m5.large*1-2"})]
