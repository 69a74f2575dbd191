"""`socialnlp licences`: on what terms an installation runs. Its libraries, as their packages declare them, and its
models, as their cards do.

What is refused in a default install: terms that forbid commercial use, and licences that would bind what is made with
the platform (GPL, AGPL, SSPL, and the like), for libraries are imported into one program. LGPL and MPL bind changes to
the library itself and are told. What declares nothing is refused until somebody has looked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata

import click

PROJECT = "socialnlp-assets"
DEFAULT = ("embedded", "google")  # what `make demo` installs besides the base
FORBIDDEN = re.compile(r"non-?commercial|research|academic|evaluation only|\bNC\b|-NC-|proprietary", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser|\bMPL|Mozilla|\bEPL|Eclipse", re.IGNORECASE)
BINDING = re.compile(r"\bA?GPL|General Public License|Affero|SSPL|EUPL|BUSL|Business Source", re.IGNORECASE)


class Verdict(StrEnum):
    FREE = ""
    TOLD = "its own changes stay open"
    BINDS = "binds what is made with it"
    FORBIDS = "forbids commercial use"
    UNKNOWN = "unknown: ask its authors"

    @property
    def refused(self) -> bool:
        return self in (Verdict.BINDS, Verdict.FORBIDS, Verdict.UNKNOWN)


@dataclass(frozen=True)
class Terms:
    """One library or model, and what it may be used for."""

    name: str
    part: str  # of which it is: "base" or an extra; "embedded" or "aws" of a model
    licence: str

    @property
    def verdict(self) -> Verdict:
        return judge(self.licence)


def judge(licence: str) -> Verdict:
    """An SPDX expression, or whatever is said in its place. Of alternatives (OR) the best counts, else the worst."""
    order = list(Verdict)
    choices = re.split(r"\s+OR\s+", licence.strip("() "), flags=re.IGNORECASE)
    return min((_worst(choice, order) for choice in choices), key=order.index)


def _worst(choice: str, order: list[Verdict]) -> Verdict:
    return max(map(_judge_one, re.split(r"\s+AND\s+|; ", choice, flags=re.IGNORECASE)), key=order.index)


def _judge_one(licence: str) -> Verdict:
    if not licence.strip("() ") or licence.upper() == "UNKNOWN":
        return Verdict.UNKNOWN
    if FORBIDDEN.search(licence):
        return Verdict.FORBIDS
    if LESSER.search(licence):
        return Verdict.TOLD
    return Verdict.BINDS if BINDING.search(licence) else Verdict.FREE


def of_distribution(distribution: metadata.Distribution) -> str:
    """What a package declares: its expression, else its classifiers, else its first words on it."""
    declared = distribution.metadata
    classifiers = [line.rpartition(" :: ")[2] for line in declared.get_all("Classifier") or [] if "License ::" in line]
    expression = "".join(declared.get_all("License-Expression") or [])
    words = "".join(declared.get_all("License") or []).strip().partition("\n")[0][:60]
    return expression or "; ".join(classifiers) or words


def libraries() -> Iterator[Terms]:
    """Every installed distribution that the base install or an extra requires, by the first that does."""
    seen: set[str] = set()
    for part in ("", *(metadata.metadata(PROJECT).get_all("Provides-Extra") or [])):
        for name in sorted(_required(PROJECT, {part}) - seen - {PROJECT}):
            seen.add(name)
            yield Terms(name, part or "base", of_distribution(metadata.distribution(name)))


def not_installed() -> list[str]:
    """The extras of which something is not there, so that not all of their libraries are known."""
    from packaging.requirements import Requirement

    missing: set[str] = set()
    for requirement in map(Requirement, metadata.requires(PROJECT) or []):
        try:
            metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:
            extras = metadata.metadata(PROJECT).get_all("Provides-Extra") or []
            marker = requirement.marker
            missing.update(extra for extra in extras if marker and marker.evaluate({"extra": extra}))
    return sorted(missing)


def _required(name: str, extras: Iterable[str]) -> set[str]:
    """The installed distributions that a distribution asks for, with these extras, and theirs, by canonical name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    asked = [(name, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while asked:
        wanted = asked.pop()
        if wanted in seen:
            continue
        try:
            lines = metadata.requires(wanted[0]) or []
        except metadata.PackageNotFoundError:  # of an extra that is not installed, or of another system
            continue
        seen.add(wanted)
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in wanted[1] | {""}):
                asked.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    return {name for name, _ in seen}


def models() -> Iterator[Terms]:
    """Every model of the catalogue: the embedded one by its card, the production one by the catalogue. What is
    trained by its user, from nothing that is not theirs, has no terms."""
    from socialnlp_assets.models.catalogue import load_catalogue
    from socialnlp_assets.models.packaging_source import licence

    catalogue = load_catalogue()
    for name in catalogue.names():
        entry = catalogue[name]
        yield Terms(name, "embedded", licence(entry.embedded.path))
        if entry.aws.source and entry.aws.source != "blazingtext":
            yield Terms(f"{name} ({entry.aws.source})", "aws", entry.aws.licence)


@click.command()
@click.option("--all", "all_", is_flag=True, help="Also what may be used for anything.")
def licences(all_: bool) -> None:
    """List the licences of libraries and models: those with conditions, or all of them."""
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "part", "licence", "to know", box=None, pad_edge=False)
    found = [*libraries(), *models()]
    for terms in found:
        if all_ or terms.verdict:
            table.add_row(terms.name, terms.part, terms.licence, terms.verdict)
    Console(width=None if Console().is_terminal else 200, markup=False).print(table)
    click.echo(f"{len(found)} libraries and models, {sum(bool(terms.verdict) for terms in found)} with conditions")
    if missing := not_installed():
        click.echo(f"not installed here, so not listed: {', '.join(missing)}")
