"""On what terms a default install runs: nothing that forbids commercial use or binds the product, but what is known."""

from __future__ import annotations

import pytest

from socialnlp_assets.cli.licences import DEFAULT, Verdict, judge, libraries, models
from tests.cli.conftest import Installation


def test_no_library_of_a_default_install_is_refused() -> None:
    found = [terms for terms in libraries() if terms.part in ("base", *DEFAULT)]
    assert {"dagster", "pandas", "spacy", "google-auth"} <= {terms.name for terms in found}
    assert [terms for terms in found if terms.verdict.refused] == []


def test_no_embedded_model_is_refused() -> None:
    found = [terms for terms in models() if terms.part == "embedded"]
    assert {"normalizer", "translator", "emotion"} <= {terms.name for terms in found}
    assert [terms for terms in found if terms.verdict.refused] == []


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
    assert "\npandas " not in short
    assert socialnlp.here(monkeypatch, "licences", "--all") == 0
    everything = capfd.readouterr().out
    assert "\npandas " in everything
    assert "facebook/m2m100_418M" in everything
