"""Who takes which of the messages that one account listens to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

UNDETERMINED = frozenset({"", "und", "un", "unknown", "zxx", "mul"})


def split_by_language(
    messages: Iterable[Any],
    routes: Mapping[str, Collection[str]],
    topics: Mapping[str, Collection[str]] | None = None,
    rest: str = "",
) -> dict[str, list[Any]]:
    """Share messages among the workflows of `routes`, by language and, where `topics` names some, by topic.

    A message goes to each workflow that takes its language: English to all that take English. One whose
    language the source does not know goes to all, which detect it and drop what is not theirs. One that
    nobody takes goes to the workflow `rest` (the first, where there is none of that name), which drops and
    counts it: every message lands somewhere. A workflow with topics of its own takes only messages that
    matched one of them.
    """
    rest = rest if rest in routes else next(iter(routes))
    shares: dict[str, list[Any]] = {workflow: [] for workflow in routes}
    for message in messages:
        language, matched = _language(message), _topics(message)
        fitting = [w for w in routes if not (topics or {}).get(w) or matched & set((topics or {})[w])]
        takers = [w for w in fitting if language in UNDETERMINED or language in routes[w]]
        for workflow in takers or [rest]:
            shares[workflow].append(message)
    return shares


def _language(message: Any) -> str:
    """The primary language, ``en`` for ``en-GB``; empty where the message names none."""
    language = message.get("language") if isinstance(message, Mapping) else None
    return language.strip().lower().replace("_", "-").split("-")[0] if isinstance(language, str) else ""


def _topics(message: Any) -> set[str]:
    named = message.get("topicIds") if isinstance(message, Mapping) else None
    return {str(topic) for topic in named} if isinstance(named, list) else set()
