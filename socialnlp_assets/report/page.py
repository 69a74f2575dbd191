"""The file: figures, charts and their scripts in one HTML page, which asks nothing of anywhere.

What people wrote is text in it and nothing else: every value is escaped by the template, specifications are JSON that
cannot end its element, and a policy in the page lets nothing run but its own scripts, whose digests it names.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from socialnlp_assets.report.charts import Chart, charts
from socialnlp_assets.report.figures import Figures, Period, Row
from socialnlp_assets.report.quality import Quality
from socialnlp_assets.report.uncertainty import Interval, change_of_rate, change_of_share, share
from socialnlp_assets.safe_yaml import read_yaml

HERE = Path(__file__).parent
LANGUAGES = ("en", "it")
# Draws every chart without making code of text, and says when all are drawn.
SNIPPET = """
window.drawReport = async (charts, locale) => {
  window.views = {};
  for (const [name, spec] of Object.entries(charts)) {
    const options = {actions: false, renderer: "svg", ast: true, tooltip: {theme: "custom"}, ...locale};
    window.views[name] = (await vegaEmbed(document.getElementById("chart-" + name), spec, options)).view;
  }
  document.body.dataset.drawn = Object.keys(charts).length;
};
"""
START = """
const read = name => JSON.parse(document.getElementById(name).textContent);
drawReport(read("charts"), read("locale"));
"""


@dataclass(frozen=True)
class Headline:
    """A figure of the first lines: what it is, and how it differs from the period before."""

    name: str
    value: float
    shown: str
    change: str


def path_of(workflow: str, period: Period, language: str) -> str:
    """Where in the lake a report lies."""
    return f"report/{workflow}/{period.kind}/{period.name}.{language}.html"


def render(figures: Figures, quality: Quality, description: str, language: str) -> str:
    """The report of `figures` as one HTML page in `language`, ``en`` or ``it``."""
    words = Words(language)
    drawn = charts(figures, words)
    library, locale = _library(), _locale(language)
    page: str = _template().render(
        say=words,
        language=language,
        figures=figures,
        period=figures.period,
        headline=headline(figures, words),
        charts=drawn,
        specs=_json({name: chart.spec for name, chart in drawn.items()}),
        table=lambda chart: _table(chart, words),
        rows=figures.rows,
        voices=_voices(figures),
        quality=quality,
        description=description,
        library=library,
        start=START,
        locale=_json(locale),
        policy=_policy(library, START),
        number=words.number,
        percent=words.percent,
        moment=words.moment,
        link=safe_link,
        interval=lambda row: share(row["negative"], row["messages"]),
        share_text=words.interval,
    )
    return page


class Words:
    """What a report says in one language: called with a key, it translates; what it does not know stays as it is."""

    def __init__(self, language: str) -> None:
        self.language = language
        place = LANGUAGES.index(language)
        self._words = {key: said[place] for key, said in _words().items()}

    def __call__(self, key: str, **values: object) -> str:
        found = self._words.get(key, key)
        return found.format(**values) if values else found

    def number(self, value: float | None, digits: int = 0) -> str:
        if value is None:
            return "–"
        shown = f"{value:,.{digits}f}"
        return shown.translate(str.maketrans(",.", ".,")) if self.language == "it" else shown

    def percent(self, value: float | None, digits: int = 1, signed: bool = False) -> str:
        if value is None:
            return "–"
        return ("+" if signed and value > 0 else "") + self.number(100 * value, digits) + " %"

    def interval(self, found: Interval | None, signed: bool = False) -> str:
        """``12.3 % (10.1 to 14.9)``."""
        if found is None:
            return "–"
        low, high = (self.number(100 * value, 1) for value in (found.low, found.high))
        return f"{self.percent(found.value, signed=signed)} ({low} … {high})"

    def moment(self, value: datetime, kind: str) -> str:
        if kind == "day":
            return f"{value:%H:%M}"
        return f"{value:%d/%m %H:%M}" if self.language == "it" else f"{value:%d %b %H:%M}"


def headline(figures: Figures, words: Words) -> list[Headline]:
    """The first lines, each against the period before."""
    row, before = figures.one("headline"), words(f"before_{figures.period.kind}")
    volume = change_of_rate(
        row["messages"], row["hours"], row["before"], row["hours_before"], figures.one("dispersion")["dispersion"]
    )
    found = [
        Headline("messages", row["messages"], words.number(row["messages"]), _against(volume, before, words)),
        *_share("negative", row, before, words),
        *_share("positive", row, before, words),
    ]
    if row["authors"]:
        was = _was(row["authors_before"], before, words)
        found.append(Headline("authors", row["authors"], words.number(row["authors"]), was))
    if row["rating"] is not None:
        reach = 1.96 * (row["rating_spread"] or 0) / row["ratings"] ** 0.5
        shown = f"{words.number(row['rating'], 2)} ± {words.number(reach, 2)}"
        rated = row["rating_before"]
        change = words("no_before") if rated is None else f"{words.number(rated, 2)}: {before}"
        found.append(Headline("rating", row["rating"], shown, change))
    return found


def _share(name: str, row: Row, before: str, words: Words) -> list[Headline]:
    now = share(row[name], row["messages"])
    if now is None:
        return []
    change = change_of_share(row[name], row["messages"], row[f"{name}_before"], row["before"])
    return [Headline(f"{name}_share", now.value, words.interval(now), _against(change, before, words, "points"))]


def _against(change: Interval | None, before: str, words: Words, unit: str = "%") -> str:
    if change is None:
        return words("no_before")
    value, low, high = (f"{100 * part:+.1f}" for part in (change.value, change.low, change.high))
    if words.language == "it":
        value, low, high = (part.replace(".", ",") for part in (value, low, high))
    return words("of_before", change=f"{value} ({low} … {high}) {words(unit)}", period=before)


def _was(count: int, before: str, words: Words) -> str:
    return f"{words.number(count)}: {before}" if count else words("no_before")


def _voices(figures: Figures) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in figures.rows["voices"]:
        found.setdefault(row["story_id"], []).append(row)
    return found


def _table(chart: Chart, words: Words) -> list[list[str]]:
    def shown(value: Any) -> str:
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M}"
        return words.number(value) if isinstance(value, int) else str(value)

    return [[shown(value) for value in row] for row in chart.rows]


def safe_link(address: str | None) -> str | None:
    """The address, where it leads to a page of the web; None where a click would do anything else."""
    try:
        parts = urlsplit(address or "")
        return address if parts.scheme in ("http", "https") and parts.netloc else None
    except ValueError:
        return None


def _json(value: Any) -> str:
    """JSON that an element of a page may hold: nothing in it ends the element or starts another."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _policy(*scripts: str) -> str:
    digests = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _words() -> Mapping[str, list[str]]:
    said, _ = read_yaml((HERE / "words.yaml").read_text(encoding="utf-8"))
    return dict(said)


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed with our few lines, as one script (some seconds, once a process)."""
    import vl_convert

    return str(vl_convert.javascript_bundle(SNIPPET)).replace("</script", "<\\/script")


@cache
def _locale(language: str) -> dict[str, Any]:
    import vl_convert

    name: Literal["it-IT", "en-US"] = "it-IT" if language == "it" else "en-US"
    numbers, times = vl_convert.get_format_locale(name), vl_convert.get_time_format_locale(name)
    return {"formatLocale": numbers, "timeFormatLocale": times}


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(HERE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")
