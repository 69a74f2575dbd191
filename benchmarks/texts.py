"""The texts that benchmarks run on: real ones where `SOCIALNLP_BENCH_DATA` names a folder of data sets,
else invented ones of the same lengths.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

WORDS = (
    "the a our this that price bill shop street power company people staff meter line night week month service "
    "winter wind solar new old good bad kind slow high low open closed again never always still opens rises "
    "falls waits helps fails pays reads answers in on of to with for after before and but because so very not"
)


def data() -> Path | None:
    """The folder of data sets, where there is one."""
    folder = os.environ.get("SOCIALNLP_BENCH_DATA")
    return Path(folder) if folder else None


def posts(count: int) -> list[str]:
    """English posts in file order: 10 to 60 tokens each."""
    folder = data()
    if folder is None:
        return invented(count, 6, 30)
    return (folder / "emotion" / "val_text.txt").read_text(encoding="utf-8").splitlines()[:count]


def foreign(count: int) -> list[str]:
    """French sentences."""
    folder = data()
    if folder is None:
        return invented(count, 8, 40)
    memory = (folder / "translation" / "all.en-fr.tmx").read_text(encoding="utf-8")
    found = re.findall(r'<tuv xml:lang="fr[^"]*">\s*<seg>(.*?)</seg>', memory, re.DOTALL)
    return [text for text in found if 40 <= len(text) <= 300][:count]


def articles(count: int) -> list[str]:
    """English texts of 60 to 250 words: each one is summarised whole."""
    folder = data()
    if folder is None:
        return invented(count, 80, 180)
    found = (path.read_text(encoding="utf-8") for path in sorted((folder / "keywords/Inspec/docsutf8").glob("*.txt")))
    return [text for text in found if 80 <= len(text.split()) <= 180][:count]


def hour(count: int) -> list[str]:
    """What an hour brings, in file order: posts, and every seventh text an article of 250 to 500 words."""
    short, long = iter(posts(count)), iter(articles(3 * count // 7 + 3))
    return [" ".join(next(long) for _ in range(3)) if n % 7 == 3 else next(short) for n in range(count)]


def invented(count: int, least: int, most: int) -> list[str]:
    chooser, words = random.Random(0), WORDS.split()
    drawn = (chooser.choices(words, k=chooser.randint(least, most)) for _ in range(count))
    return [" ".join(sentence).capitalize() + "." for sentence in drawn]
