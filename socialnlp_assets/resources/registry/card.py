"""The card of a version, made of what is on record of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from socialnlp_assets.resources.registry.versions import Version


def card(version: Version, description: str) -> str:
    """Markdown: what it is, what it was made of, how good it is, who decided."""
    return "\n".join(_lines(version, description)) + "\n"


def _lines(version: Version, description: str) -> Iterator[str]:
    made, figures = version.made, version.made.figures
    yield f"# {made.model}, version {version.number}\n\n{description}\n"
    yield f"{version.state.capitalize()} since {version.at:%Y-%m-%d %H:%M} UTC by {version.who}: {version.why}."
    yield "\n## Made of\n"
    if made.source == "trained":
        given = ", ".join(f"{name} {value}" for name, value in made.hyperparameters.items()) or "none"
        yield f"- labels: version {made.labels}, {made.rows} texts to learn from"
        yield f"- recipe: {made.recipe}, hyperparameters: {given}, seed: {made.seed}"
        yield f"- code: {made.code}"
    else:
        yield f"- source: {made.source}"
    yield f"- files: {made.digest}, {made.size / 1e6:.1f} MB, in {made.folder}"
    if not figures:
        yield "\nIt was not measured on labels of this installation."
        return
    yield "\n## Measured\n"
    yield f"On {figures['texts']} texts that were held back, macro F1 {_interval(figures)}."
    yield f"Calibration error {figures['calibration_error']:.3f}; {figures['milliseconds']:.2f} ms a text."
    if change := figures.get("change"):
        yield (
            f"Against the version in service then: {change['value']:+.3f} "
            f"({change['low']:+.3f} to {change['high']:+.3f})."
        )
    for title, key in (("label", "by_label"), ("slice", "by_slice")):
        if rows := figures.get(key):
            yield f"\n| {title} | F1 |\n|---|---|"
            yield from (f"| {name} | {value:.3f} |" for name, value in rows.items())


def _interval(figures: Mapping[str, Any]) -> str:
    return f"{figures['macro_f1']:.3f} ({figures['macro_f1_low']:.3f} to {figures['macro_f1_high']:.3f})"
