"""Small line plots for an asset's page: an image in Markdown, drawn as SVG without a library."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from html import escape

WIDTH, HEIGHT, GAP = 640, 56, 22  # pixels, of one line
LEFT = 150  # for its name


def plot(lines: Mapping[str, Sequence[float | None]], what: str = "the last seven days") -> str:
    """One line below the other, each on its own scale from 0; None is a gap, and the last point is marked."""
    height = len(lines) * (HEIGHT + GAP) + GAP
    drawn = "".join(
        _line(name, points, GAP + number * (HEIGHT + GAP)) for number, (name, points) in enumerate(lines.items())
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 80}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="#555">{drawn}</svg>'
    )
    return f"![{what}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _line(name: str, points: Sequence[float | None], top: int) -> str:
    most = max((point for point in points if point is not None), default=0.0) or 1.0
    across = WIDTH / max(1, len(points) - 1)

    def place(number: int, point: float) -> str:
        return f"{LEFT + number * across:.1f},{top + HEIGHT - point / most * HEIGHT:.1f}"

    parts = [f'<text x="0" y="{top + HEIGHT / 2}">{escape(name)}</text>']
    for stretch in _stretches(points):
        path = " ".join(place(number, point) for number, point in stretch)
        parts.append(f'<polyline points="{path}" fill="none" stroke="#4f43dd" stroke-width="1.5"/>')
    if (last := points[-1] if points else None) is not None:
        x, y = place(len(points) - 1, last).split(",")
        parts.append(f'<circle cx="{x}" cy="{y}" r="3.5" fill="#d24726"/>')
        parts.append(f'<text x="{LEFT + WIDTH + 8}" y="{y}">{last:.3g}</text>')
    return "".join(parts)


def _stretches(points: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """The runs of points without a gap."""
    stretch: list[tuple[int, float]] = []
    for number, point in enumerate(points):
        if point is not None:
            stretch.append((number, point))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch
