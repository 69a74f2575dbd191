"""From labels to a version in service, on a real installation: processes, endpoints, Dagster."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.endpoints.backend import ModelMissing
from socialnlp_assets.settings import Settings
from tests.lifecycle.conftest import CATALOGUE, MODEL, Installation, failures, rows

pytestmark = pytest.mark.slow


def test_new_labels_become_a_version_in_service_without_a_hand(installation: Installation) -> None:
    installation.add(rows(400))
    result = installation.train()
    assert result.success, failures(result)
    assert installation.in_service == 1
    version = installation.registry.version(MODEL, 1)
    assert (version.who, version.made.source, version.made.recipe) == ("policy", "trained", "linear")
    assert version.made.labels == installation.metadata("labels")["version"]
    assert version.made.figures["macro_f1"] > 0.9
    page = installation.metadata("evaluation")["page"]
    assert "data:image/svg+xml" in page
    with build_endpoints(installation.settings) as endpoints:
        assert endpoints.version_label(MODEL) == version.label
        with endpoints.lease(MODEL) as mood:
            assert [answer.label for answer in mood.predict(["glad great", "rude broken"])] == ["good", "bad"]


def test_the_first_version_of_a_model_that_nobody_has_made(tmp_path: Path) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "ours.yaml").write_text(CATALOGUE)
    settings = Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state", models=tmp_path / "catalogue")
    with dg.DagsterInstance.ephemeral() as instance, build_endpoints(settings) as endpoints:
        with pytest.raises(ModelMissing, match="there is no such model folder"), endpoints.lease(MODEL):
            pass
        installation = Installation(settings, instance)
        installation.add(rows(400))
        result = installation.train()
        assert result.success, failures(result)
        assert installation.metadata("evaluation")["compared_with"] == "none in service"
        with endpoints.lease(MODEL) as mood:
            assert [answer.label for answer in mood.predict(["glad great", "rude broken"])] == ["good", "bad"]
        endpoints.stop_all()


def test_a_batch_whose_classes_were_shuffled_is_stopped_by_the_gate(installation: Installation) -> None:
    installation.add(rows(400))
    assert installation.train().success
    swapped = [(text, "bad" if label == "good" else "good") for text, label in rows(400, seed=2)]
    installation.add(swapped, "bad batch.csv")
    result = installation.train()
    assert not result.success
    (gate,) = [each for each in result.get_asset_check_evaluations() if each.check_name == "gate"]
    assert not gate.passed
    assert installation.in_service == 1
    assert list(installation.registry.history(MODEL).versions()) == [1]


def test_labels_that_cannot_be_used_stop_at_the_labels(installation: Installation) -> None:
    installation.add([("hello there", "fury")])
    result = installation.train()
    assert not result.success
    assert "labels.csv:2: no label is called 'fury'; there are good, bad" in failures(result)
    assert not installation.lake.exists(f"models/{MODEL}/labels.json")
