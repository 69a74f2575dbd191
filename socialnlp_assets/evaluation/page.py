"""What people see of an evaluation: figures, the gate, confusion, calibration, telling errors; as Markdown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence

from socialnlp_assets import markdown
from socialnlp_assets.evaluation.gate import Ruling

SIDE, EDGE = 220, 36  # pixels, of the calibration plot
MOST_CHARACTERS = 160
MANY_LABELS = 12  # beyond which a confusion matrix is too wide to read


def gate_table(rulings: Iterable[Ruling]) -> str:
    rows = [
        ("✓" if each.passed else "✗", each.rule, each.observed, each.bound, "" if each.passed else each.remedy)
        for each in rulings
    ]
    return markdown.table(["", "rule", "observed", "bound", "what to do"], rows, MOST_CHARACTERS)


def figures_table(ours: Mapping[str, float], before: Mapping[str, float]) -> str:
    """F1 by label or slice, beside that of the version in service."""
    rows = [
        (name, f"{value:.3f}", f"{before[name]:.3f}" if name in before else "", _change(value, before.get(name)))
        for name, value in ours.items()
    ]
    return markdown.table(["F1", "this version", "in service", "change"], rows, MOST_CHARACTERS)


def confusion_table(confusion: Mapping[str, Mapping[str, int]]) -> str:
    """Truth by answer; of many labels, only what each is taken for most."""
    columns = list(dict.fromkeys(name for row in confusion.values() for name in row))
    if len(columns) > MANY_LABELS:
        rows = [
            (true, row.get(true, 0), ", ".join(f"{name} {count}" for name, count in _mistaken(true, row)))
            for true, row in confusion.items()
        ]
        return markdown.table(["truth", "right", "taken for"], rows, MOST_CHARACTERS)
    table = [(true, *(row.get(name, "") for name in columns)) for true, row in confusion.items()]
    return markdown.table(["truth \\ answer", *columns], table, MOST_CHARACTERS)


def _mistaken(true: str, row: Mapping[str, int]) -> list[tuple[str, int]]:
    others = [(name, count) for name, count in row.items() if name != true and count]
    return sorted(others, key=lambda pair: -pair[1])[:3]


def errors_table(errors: Iterable[Sequence[object]]) -> str:
    """Text, truth, answer, confidence."""
    rows = [(text, truth, answer, f"{float(str(sure)):.2f}") for text, truth, answer, sure in errors]
    return markdown.table(["text", "truth", "answer", "confidence"], rows, MOST_CHARACTERS)


def calibration_plot(bins: Sequence[tuple[float, float, int]]) -> str:
    """How often answers are right (upwards) by how sure the model was; on the diagonal is as often as it says."""
    most = max((count for _, _, count in bins), default=1)

    def place(x: float, y: float) -> tuple[float, float]:
        return EDGE + x * SIDE, SIDE - y * SIDE + EDGE / 2

    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(sure, share) for sure, share, _ in bins))
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 6 * (count / most) ** 0.5:.1f}" fill="#4f43dd" opacity="0.6"/>'
        for (x, y), count in ((place(sure, share), count) for sure, share, count in bins)
    )
    (left, bottom), (right, top) = place(0, 0), place(1, 1)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIDE + 2 * EDGE}" height="{SIDE + 2 * EDGE}" '
        f'font-family="sans-serif" font-size="11" fill="#555">'
        f'<rect x="{left}" y="{top}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#bbb"/>'
        f'<line x1="{left}" y1="{bottom}" x2="{right}" y2="{top}" stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{points}" fill="none" stroke="#4f43dd"/>{dots}'
        f'<text x="{left}" y="{bottom + 16}">0</text><text x="{right - 6}" y="{bottom + 16}">1</text>'
        f'<text x="{left + 60}" y="{bottom + 16}">how sure</text>'
        f'<text x="4" y="{top + 10}">right</text></svg>'
    )
    return f"![calibration](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _change(value: float, before: float | None) -> str:
    return "" if before is None else f"{value - before:+.3f}"
