"""What a demonstration prints."""

from __future__ import annotations

import io

from rich.console import Console

from socialnlp_assets.cli.report import Report


def test_each_workflow_has_its_own_rows_in_eighty_columns() -> None:
    report = Report(Console(file=io.StringIO(), width=80))
    for rows, workflow in ((150, "sprinklr"), (30, "gmaps_service_points")):
        for hour in ("2026-11-23-08:00", "2026-11-23-09:00", "2026-11-23-10:00"):
            figures = {"rows_in": rows, "rows_out": rows - 1, "rows_dropped": 1, "rows_quarantined": 0, "seconds": 0.5}
            report.assets[workflow, "classifications"][hour] = figures
    report._show_assets()
    shown = report.console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line.split() for line in shown.splitlines() if "classifications" in line]
    assert [line[1:4] for line in lines] == [["150→149"] * 3, ["30→29"] * 3]
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
