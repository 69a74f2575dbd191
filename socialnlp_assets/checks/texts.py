"""What can be told of one text beside another without a model: pure functions of a row, which `custom/rows.py` makes
expectations of. A message is never judged by these alone where they can err; how many of an hour's rows may fail
one is said beside the step that expects it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from socialnlp_assets.nlp.chunking import sentences
from socialnlp_assets.nlp.cleaning import stop_words
from socialnlp_assets.nlp.language import detect
from socialnlp_assets.nlp.lexicon import shipped_words
from socialnlp_assets.nlp.noise import remove_noise

WORDS_TO_TELL = 6  # from so many words on a text can be told to be English
WORDS_TO_TRANSLATE = 10  # of so many common words one at least is known to any translator
MOST_UNKNOWN = 0.7  # of the words of an English text
UNTOUCHED = ("en", "und")
# Characters of English for a character of the source: languages without alphabets say more in one.
RATIOS = {"zh": (1.2, 9.0), "ja": (0.8, 6.0), "ko": (0.9, 6.0)}

# Several expectations ask the same of a text.
cleaned = lru_cache(maxsize=10_000)(remove_noise)

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NUMBER = re.compile(r"(?<![\w.,#@/])\d+(?:[.,]\d+)*(?!\w)")
NAME = re.compile(r"(?<=[a-zà-ÿ,;] )[A-ZÀ-Þ][a-zà-ÿ]{3,}")
NEGATION = re.compile(r"\b(?:not|no|never|nothing|nobody|none|nor|cannot|without|neither)\b|n['’]t\b", re.IGNORECASE)
_NOISE = re.compile(r"https?://\S|(?<![\w.])@\w|(?<!\S)#\w|[\U0001f300-\U0001faff\u2600-\u27bf]|^\s|\s$|\s\s")
# What programs leave in texts: letters decoded wrongly, marks of HTML and of tokenizers, escapes.
_TRACES = re.compile(
    r"\ufffd|[ÃÂ][\x80-\xbf]|â€|[\x00-\x08\x0b-\x1f]|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}"
    r"|</?[a-z][a-z0-9]{0,9}(?:\s[^<>]{0,80})?/?>|&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,5}|#x[0-9a-f]{1,4});"
    r"|<(?:unk|pad|mask)>|\[(?:MASK|UNK|SEP|CLS|PAD)\]|▁|(?<=\s)##\w|__[a-z]{2,3}__|\bfunction\s?\w{0,30}\(\)",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """The words of `text` in lower case, without digits."""
    return _WORD.findall(text.lower())


def answered(read: str, written: str) -> bool:
    """False for nothing where there were words."""
    return bool(written.strip()) or not any(len(word) > 1 for word in words(cleaned(read)))


def repetitions(text: str, least: int = 2) -> int:
    """How often in a row `text` says the same, of one word or of up to eight, where that is `least` times or more: 1
    where it never repeats itself."""
    found = words(text)
    spare = len(found) - len(set(found))
    most = 1
    for size in range(1, min(8, spare // (least - 1)) + 1):
        same = 0
        for place in range(size, len(found)):
            same = same + 1 if found[place] == found[place - size] else 0
            most = max(most, same // size + 1)
    return most


def free_of_loops(read: str, written: str) -> bool:
    """False where `written` says the same four times in a row or more, and `read` did not."""
    return written == read or (times := repetitions(written, 4)) < 4 or times <= repetitions(read) + 1


def numbers(text: str) -> set[str]:
    """The numbers of two digits or more that stand alone, without their separators."""
    return {digits for found in _NUMBER.findall(text) if len(digits := re.sub(r"\D", "", found)) > 1}


def numbers_kept(read: str, written: str) -> bool:
    return numbers(cleaned(read)) <= numbers(written)


def negations_kept(read: str, written: str) -> bool:
    """False where `read` negates and `written` does not."""
    return not NEGATION.search(read) or bool(NEGATION.search(written))


def words_kept(read: str, written: str) -> bool:
    """False where fewer than half of the words of `read` are in `written`, or were replaced by ten times as many."""
    before, after = words(cleaned(read)), words(written)
    if len(before) < WORDS_TO_TELL:
        return True
    return 2 * len(set(before) & set(after)) >= len(set(before)) and len(after) < 2 * len(before) + 10


def without_noise(text: str) -> bool:
    """False for addresses, user names, tags, emoji, spaces to spare, and what programs leave in texts."""
    return not _NOISE.search(text) and plain(text)


def plain(text: str) -> bool:
    """False where a program has left marks of its own: text decoded wrongly, of HTML, of a tokenizer."""
    return not _TRACES.search(text)


def kept_plain(read: str, written: str) -> bool:
    """The same, unless what was read had such marks."""
    return written == read or plain(written) or not plain(read)


def of_page(enriched: bool, read: str, written: str) -> bool:
    """False for a page that has less than a third of the words that were delivered of it."""
    if not enriched:
        return True
    before = {word[:5] for word in words(read) if word not in stop_words()}
    return 3 * len(before & {word[:5] for word in words(written)}) >= len(before)


def unknown_share(text: str) -> float:
    """The share of words of four letters or more, 0 to 1, that are in no list of English words: shorter ones are words
    in every language. 0 for a text without such words."""
    found = [word for word in words(text) if len(word) > 3]
    return sum(word not in _english() for word in found) / len(found) if found else 0.0


def in_english(text: str) -> bool:
    """False for a text of some length of which most words are not English. Half a translated tweet may be names."""
    return len(words(text)) < WORDS_TO_TELL or unknown_share(text) <= MOST_UNKNOWN


def differs(language: str, read: str, written: str) -> bool:
    """False where a text in another language was handed on as it was. One that is in a third language in spite of what
    its source says of it is no such text, nor is one of names, hashtags and addresses."""
    if language in UNTOUCHED or words(read) != words(written):
        return True
    found = [word.strip(".,!?;:") for word in cleaned(re.sub(r"#\w+", " ", read)).split()]
    common = [word for word in found if word.isalpha() and word.islower()]
    return len(common) < WORDS_TO_TRANSLATE or detect(" ".join(common))[0] != language


def english_untouched(language: str, read: str, written: str) -> bool:
    return language not in UNTOUCHED or read == written


def length_plausible(least: float, most: float, language: str, read: str, written: str) -> bool:
    """False where a translation is shorter than `least` times its source, as one cut short is, or longer than `most`
    times, as one that talks on; for a language without an alphabet, by its own measure."""
    source = cleaned(read)
    if language in UNTOUCHED or len(source) < 20:
        return True
    least, most = RATIOS.get(language, (least, most))
    return least <= len(cleaned(written)) / len(source) <= most


def phrases_in_text(least_share: float, text: str, phrases: Sequence[str]) -> bool:
    """True where the share `least_share` of the phrases has all its words in `text`, in whatever form: the first four
    letters of a word count, for phrases are of lemmas."""
    lowered = text.lower()
    found = sum(all(word[:4] in lowered for word in re.findall(r"\w+", (phrase or "?").lower())) for phrase in phrases)
    return found >= least_share * len(phrases)


def summary_of_text(text: str, summary: str) -> bool:
    """False for a summary that is longer than its text, or has from nowhere a number or a sentence: one of whose
    content words two thirds are not in the text."""
    if summary == text:
        return True
    if len(summary) > len(text) or not numbers(summary) <= numbers(text):
        return False
    have = {word[:5] for word in words(text)}
    for sentence in sentences(summary):
        content = [word[:5] for word in words(sentence) if word not in stop_words()]
        if len(content) >= 3 and 3 * sum(word in have for word in content) < len(content):
            return False
    return True


def enrichment_follows_rule(kind: str, read: str, written: str, enriched: bool, status: str) -> bool:
    """The page's text only for an article, and only where it is at least 20 % longer; else the text as it was. The
    status says so."""
    if enriched != (status == "enriched") or (kind != "article") != (status == "not_article"):
        return False
    return len(written) >= 1.2 * len(read) if enriched else written == read


def partitions_agree(
    social: str, topics: Sequence[str], posts_social: str, posts_topics: Sequence[str], partitions: Sequence[str]
) -> bool:
    """One partition for each topic that the message has in `posts`, or the one of messages without a topic."""
    wanted = {f"{social}/{topic}" for topic in topics or ("none",)}
    return social == posts_social and set(topics) == set(posts_topics) and set(partitions) == wanted


@cache
def _english() -> frozenset[str]:
    return frozenset(shipped_words()) | stop_words()
