"""The commented file that a new workflow starts from: each step kind with its options, and what it does."""

from __future__ import annotations

from collections.abc import Iterator

from socialnlp_assets.assets import step_kinds
from socialnlp_assets.sources import known_sources

TEMPLATE = """\
# What this workflow is for, in a sentence. `socialnlp workflows check` tells whether the file fits.
name: {name}
description: What people say about the company on …
owners: ["team:social-listening"]          # teams or e-mail addresses, shown in the Dagster UI
source:
  kind: dropped                            # dropped: files put into landing/{name}/; or {sources}
  languages: [en]                          # ISO 639-1; messages in others are dropped and counted
  # place_type: store                      # google_maps only: which places
steps:                                     # take out what you do not need; the order is always this one
{steps}
"""


def starting_file(name: str) -> str:
    """The YAML of a workflow called `name`."""
    return TEMPLATE.format(name=name, sources=", ".join(known_sources()), steps="\n".join(_steps()))


def _steps() -> Iterator[str]:
    """A line a step kind."""
    for name, kind in step_kinds().items():
        options = {o: f.examples[0] if f.examples else f.default for o, f in kind.model_fields.items()}
        shown = ", ".join(f"{option}: {value}" for option, value in options.items() if value not in (None, ()))
        yield f"  {name}: {f'{{{shown}}}' if shown else ''}".ljust(42) + f" # {kind.description()}"
