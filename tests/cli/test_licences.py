"""On what terms a default install runs: nothing that forbids commercial use or binds the product, but what is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from socialnlp_assets.cli.licences import DEFAULT, Verdict, judge, libraries, models
from tests.cli.conftest import Installation

ROOT = Path(__file__).parents[2]
# Learned from data under research terms. Whoever trains one on other data takes it out here, in NOTICE and in README.
AWAITED = {"normalizer"}


def test_no_library_of_a_default_install_is_refused() -> None:
    found = [terms for terms in libraries() if terms.part in ("base", *DEFAULT)]
    assert {"dagster", "pandas", "spacy", "google-auth"} <= {terms.name for terms in found}
    assert [terms for terms in found if terms.verdict.refused] == []


def test_of_the_embedded_models_just_those_that_are_known_are_refused() -> None:
    refused = {terms.name for terms in models() if terms.part == "embedded" and terms.verdict.refused}
    assert refused == AWAITED


@pytest.mark.parametrize("document", ["README.md", "NOTICE", "docs/models.md"])
def test_they_are_named_where_people_look(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert all(name in text for name in AWAITED)
    assert "commercial" in text


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [
        ("MIT", Verdict.FREE),
        ("Apache-2.0 WITH LLVM-exception AND BSD-3-Clause", Verdict.FREE),
        ("GPL-3.0-only", Verdict.BINDS),
        ("GNU Affero General Public License v3", Verdict.BINDS),
        ("MIT AND GPL-2.0-or-later", Verdict.BINDS),
        ("GPL-2.0-only OR MIT", Verdict.FREE),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", Verdict.TOLD),
        ("GNU Lesser General Public License v3 or later (LGPLv3+)", Verdict.TOLD),
        ("CC-BY-NC-4.0", Verdict.FORBIDS),
        ("cc-by-nc-sa-4.0", Verdict.FORBIDS),
        ("CC-BY-4.0", Verdict.FREE),
        ("LicenseRef-research", Verdict.FORBIDS),
        ("Free for non-commercial use", Verdict.FORBIDS),
        ("", Verdict.UNKNOWN),
        ("UNKNOWN", Verdict.UNKNOWN),
    ],
)
def test_what_a_licence_means(licence: str, verdict: Verdict) -> None:
    assert judge(licence) is verdict


@pytest.mark.slow
def test_the_command_lists_what_has_conditions(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert socialnlp.here(monkeypatch, "licences") == 0
    short = capfd.readouterr().out
    assert all(f"\n{name} " in short for name in AWAITED)
    assert "LicenseRef-research" in short
    assert "\npandas " not in short
    assert socialnlp.here(monkeypatch, "licences", "--all") == 0
    everything = capfd.readouterr().out
    assert "\npandas " in everything
    assert "facebook/m2m100_418M" in everything
