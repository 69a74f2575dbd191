"""Whatever a configuration file or a robots.txt holds: it is taken, or an error says where it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.settings import Settings
from socialnlp_assets.sources.google_maps import GoogleMaps
from socialnlp_assets.sources.sources_file import SourcesError, build_section
from socialnlp_assets.workflow import WorkflowError, load_workflow

SOURCES = b"google_maps:\n  places: {store: [a, b]}\n  locations: {store: [c]}\n"
WORKFLOW = b"name: w\ndescription: d\nsource: {kind: dropped, languages: [en]}\nsteps:\n  keywords: {top: 3}\n"
ODD = [
    b"",
    b"\n",
    b":",
    b"- ",
    b"  ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"'",
    b'"',
    b"&a ",
    b"*a",
    b"<<: *a",
    b"!!python/object:os.system x",
]
ODD += [
    b"? ",
    b"|",
    b"%",
    b"\t",
    b"\0",
    b"\xff",
    b"2026-13-45",
    b"1e999",
    b"~",
    b"1: 2\n",
    b"[]: 1\n",
    b"0x",
    b"[",
    b"null",
]


def changed(text: bytes) -> st.SearchStrategy[bytes]:
    """`text` with up to three cuts, in whose places something odd may stand."""
    cut = st.builds(
        lambda at, length, odd: (at, length, odd), st.integers(0, len(text)), st.integers(0, 8), st.sampled_from(ODD)
    )

    def apply(cuts: list[tuple[int, int, bytes]]) -> bytes:
        found = text
        for at, length, odd in cuts:
            found = found[:at] + odd + found[at + length :]
        return found

    return st.lists(cut, max_size=3).map(apply) | st.binary(max_size=30)


@cache
def installation(sources: Path) -> Settings:
    return Settings(sources=sources, state=sources.parent)


def sources_file(data: bytes, folder: Path) -> None:
    path = folder / "sources.yaml"
    path.write_bytes(data)
    with suppress(SourcesError):
        build_section(installation(path), GoogleMaps)


def workflow_file(data: bytes, folder: Path) -> None:
    path = folder / "w.yaml"
    path.write_bytes(data)
    with suppress(WorkflowError):
        assert load_workflow(path).name == "w"


@pytest.mark.slow
@pytest.mark.parametrize("data", [b"[" * 1500, b"a: 2026-13-45", b"\xff", b"google_maps: {1: a, b: c}", b"{[]: 1}"])
def test_what_is_no_configuration_is_an_error_that_names_the_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_bytes(data)
    with pytest.raises(WorkflowError, match=f"^{path}:1: "):
        load_workflow(path)
    with pytest.raises(SourcesError, match=f"^{path}: "):
        build_section(installation(path), GoogleMaps)


def robots(data: bytes, _folder: Path) -> None:
    rules = RobotFileParser()
    rules.parse(data.decode(errors="replace").splitlines())
    rules.can_fetch("socialnlp-assets", "http://news.example/a?b=%zz")
    rules.crawl_delay("socialnlp-assets")


ROBOTS = b"User-agent: *\nCrawl-delay: 1\nDisallow: /a%2f\nAllow: /*$\nRequest-rate: 1/5\nSitemap: x\n"
CASES: dict[str, tuple[Callable[[bytes, Path], None], bytes]] = {
    "sources file": (sources_file, SOURCES),
    "workflow file": (workflow_file, WORKFLOW),
    "robots.txt": (robots, ROBOTS),
}


def fuzz(case: str, folder: Path, number: int) -> None:
    check, text = CASES[case]
    limits = settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))
    limits(given(changed(text))(lambda data: check(data, folder)))()


@pytest.mark.parametrize("case", CASES)
def test_any_configuration(case: str, tmp_path: Path) -> None:
    fuzz(case, tmp_path, 60)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_any_configuration_in_two_thousand_examples(case: str, tmp_path: Path) -> None:
    fuzz(case, tmp_path, 2_000)
