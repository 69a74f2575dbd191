"""An hour of a workflow whose French and Swahili Google translates, through real endpoints and a stand-in of Google."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import dagster as dg
import pytest

from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.google_maps.stand_in import FakeGoogle
from tests.platform.conftest import Platform, message

pytestmark = pytest.mark.slow

WORKFLOW = """
name: kigali
description: What people say in Kigali.
owners: ["team:kigali"]
source: {kind: dropped, languages: [en, it, fr, sw]}
steps:
  translations: {model: translator, google: [sw, fr]}
  filtered_text:
  keywords: {top: 3}
"""
TEXTS = {  # by language
    "fr": "La facture d'électricité est trop chère",
    "sw": "Umeme umerudi leo asubuhi",
    "it": "La bolletta della luce è arrivata due volte",
    "en": "The power is back",
}


def test_google_translates_its_languages_of_an_hour(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    google = FakeGoogle(poison="poison", token_uses=2)
    google.faults.script(["ok", "half_json", "user_rate"])  # the token, then the first text
    monkeypatch.setenv("SOCIALNLP_SECRET_GOOGLE_TRANSLATE", google.service_account)
    folder = tmp_path / "workflows"
    folder.mkdir()
    (folder / "kigali.yaml").write_text(WORKFLOW)
    with google.serve() as url, dg.DagsterInstance.ephemeral() as instance:
        sources = tmp_path / "sources.yaml"
        sources.write_text(f"google_translate: {{url: '{url}', token_url: '{url}/token', first_pause_seconds: 0.01}}")
        settings = Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state", sources=sources, workflows=folder)
        platform = Platform(settings, instance)
        messages = [message(n, text, language=code) for n, (code, text) in enumerate(TEXTS.items())]
        platform.land([*messages, message(9, "Du poison", language="fr")], workflow="kigali")
        try:
            result = platform.run("kigali")
        finally:
            with build_endpoints(settings) as endpoints:
                endpoints.stop_all()
        events = str(instance.all_logs(result.run_id)) + str(result.all_events)
    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())

    rows = {row["message_id"]: row for row in platform.rows("translations", "kigali")}
    assert set(rows) == {"m0", "m1", "m2", "m3"}
    assert rows["m0"]["text_en"] == f"[fr] {TEXTS['fr']}"
    assert rows["m1"]["text_en"] == f"[sw] {TEXTS['sw']}"
    assert not rows["m2"]["text_en"].startswith("[")  # our own translator's
    assert rows["m3"]["text_en"] == TEXTS["en"]
    assert [row["translated"] for _, row in sorted(rows.items())] == [True, True, True, False]
    asked = {text for batch in google.batches for text in batch}
    assert asked == {TEXTS["fr"], TEXTS["sw"], "Du poison"}

    (refused,) = platform.quarantined("kigali")
    assert refused["message_id"] == "m9"
    assert "Google refused the text" in refused["reason"]
    output = {file.path for file in platform.lake.objects("output/kigali")}
    assert output

    assert google.tokens > 1
    shown = events + caplog.text + str(capfd.readouterr()) + json.dumps(platform.quarantined("kigali"), default=str)
    private = json.loads(google.service_account)["private_key"]
    for secret in ("sample-google-token", *private.splitlines()[1:-1]):
        assert secret not in shown
