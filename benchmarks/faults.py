"""The corruptions that `planted_faults.py` plants: a line each."""

from __future__ import annotations

import re

from benchmarks.planted_faults import Fault, again, each, from_read, half, rows, shifted, some, swapped, without

REVIEWS = "gmaps_stores"
LOOP = "the meter the meter the meter the meter the meter the meter"
NAN = float("nan")


def _cut(text: object) -> str:
    return str(text)[: len(str(text)) // 2]


def _without_negations(text: object) -> str:
    return re.sub(r"\b(not|no|never|nothing|cannot|without)\b", "", str(text), flags=re.IGNORECASE)


FAULTS = (
    Fault("five messages twice", "posts", rows(lambda all_: [*all_, *all_[:5]])),
    Fault("one message lost", "posts", rows(lambda all_: all_[1:])),
    Fault("all messages lost", "posts", rows(lambda _: [])),
    Fault("a text is null", "posts", some(1, lambda _: {"message": None})),
    Fault("a language that nobody asked for", "posts", some(1, lambda _: {"language": "de"})),
    Fault("a kind that there is not", "posts", some(1, lambda _: {"kind": "tweet"})),
    Fault("followers below zero", "posts", some(1, lambda _: {"author_followers": -1})),
    Fault("a column is missing", "posts", without("permalink")),
    Fault("yesterday's hour delivered again", "posts", again),
    Fault("one text in most messages", "posts", each(lambda _, n: {"message": "The power is back"} if n % 3 else {})),
    Fault("texts cut to 40 characters", "posts", each(lambda row, _: {"message": str(row["message"])[:40]})),
    Fault("half the messages", "posts", half),
    Fault("every message in one language", "posts", each(lambda _, __: {"language": "en"})),
    Fault("nothing translated", "translations", from_read("message", "text_en", lambda text, _: text)),
    Fault("a message not translated", "translations", shifted()),
    Fault("three translations empty", "translations", some(3, lambda _: {"text_en": ""})),
    Fault("two translations loop", "translations", some(2, lambda _: {"text_en": LOOP})),
    Fault("translations cut in half", "translations",
          each(lambda row, _: {"text_en": _cut(row["text_en"])} if row["translated"] else {})),
    Fault("a third of translations cut to a quarter", "translations",
          each(lambda row, n: {"text_en": str(row["text_en"])[: len(str(row["text_en"])) // 4]}
               if row["translated"] and n % 3 == 0 else {})),
    Fault("translations four times as long", "translations",
          each(lambda row, _: {"text_en": " and ".join([str(row["text_en"])] * 4)} if row["translated"] else {})),
    Fault("translations at the next row", "translations", shifted("text_en")),
    Fault("numbers lost", "translations",
          each(lambda row, _: {"text_en": re.sub(r"\d", "", str(row["text_en"]))} if row["translated"] else {})),
    Fault("names lost", "translations",
          each(lambda row, _: {"text_en": re.sub(r"\b[A-Z]\w+", "it", str(row["text_en"]))}
               if row["translated"] else {})),
    Fault("the same apology for all", "translations",
          each(lambda row, _: {"text_en": "I am sorry, I cannot translate this text for you"}
               if row["translated"] else {})),
    Fault("English in capitals", "translations",
          each(lambda row, _: {} if row["translated"] else {"text_en": str(row["text_en"]).upper()})),
    Fault("translated into another language", "translations",
          each(lambda row, _: {"text_en": "Il contatore della luce nuovo non funziona ancora, dicono che arriva domani"}
               if row["translated"] else {})),
    Fault("a translation of no message", "translations", some(1, lambda _: {"message_id": "nobody's"})),
    Fault("a translation lost", "translations", rows(lambda all_: all_[:-1])),
    Fault("negations lost", "filtered_text",
          each(lambda row, _: {"text_clean": _without_negations(row["text_clean"])})),
    Fault("numbers lost", "filtered_text",
          each(lambda row, _: {"text_clean": re.sub(r"\d+", "", str(row["text_clean"]))})),
    Fault("two texts emptied", "filtered_text", some(2, lambda _: {"text_clean": ""})),
    Fault("addresses left", "filtered_text",
          each(lambda row, _: {"text_clean": f"{row['text_clean']} https://t.example/1a2b"})),
    Fault("user names left", "filtered_text", each(lambda row, _: {"text_clean": f"@someone {row['text_clean']}"})),
    Fault("letters decoded wrongly", "filtered_text",
          each(lambda row, _: {"text_clean": str(row["text_clean"]).replace("e", "Ã©")})),
    Fault("cut in half", "filtered_text", each(lambda row, _: {"text_clean": _cut(row["text_clean"])})),
    Fault("texts at the next row", "filtered_text", shifted()),
    Fault("a text loops", "filtered_text", some(1, lambda _: {"text_clean": LOOP})),
    Fault("every word is 'you'", "filtered_text",
          each(lambda row, _: {"text_clean": re.sub(r"\w+", "you", str(row["text_clean"]))})),
    Fault("a post takes a page's text", "enrichments",
          some(1, lambda row: {"enriched": True, "text_enriched": 3 * str(row["text_enriched"])})),
    Fault("text changed without a page", "enrichments", some(2, lambda _: {"text_enriched": "Something else"})),
    Fault("texts at the next row", "enrichments", shifted("text_enriched")),
    Fault("status lost", "enrichments", some(1, lambda _: {"article_status": None})),
    Fault("all labels true", "classifications",
          each(lambda row, _: {name: True for name in row if isinstance(row[name], bool)})),
    Fault("labels shifted by one", "classifications",
          each(lambda row, _: {"products": row["innovation"], "innovation": row["workplace"],
                               "workplace": row["governance"], "governance": row["products"]})),
    Fault("a score is constant", "classifications", each(lambda _, __: {"governance": False, "governance_score": 0.2})),
    Fault("a score is not a number", "classifications", some(1, lambda _: {"products_score": NAN})),
    Fault("a score over 1", "classifications", some(1, lambda _: {"products_score": 1.2})),
    Fault("answers at the next row", "classifications", shifted()),
    Fault("two labels' columns exchanged", "classifications",
          lambda result: swapped("products", "leadership")(swapped("products_score", "leadership_score")(result))),
    Fault("labels shifted by one", "sentiments",
          each(lambda row, _: {"sentiment": {"negative": "neutral", "neutral": "positive"}.get(
              str(row["sentiment"]), "negative")})),
    Fault("stuck on one answer", "sentiments",
          each(lambda _, __: {"sentiment": "neutral", "sent_negative": 0.1, "sent_neutral": 0.8,
                              "sent_positive": 0.1})),
    Fault("scores that sum to 1.3", "sentiments",
          some(2, lambda row: {"sent_neutral": float(str(row["sent_neutral"])) + 0.3})),
    Fault("positive and negative exchanged", "sentiments",
          lambda result: each(lambda row, _: {"sentiment": {"positive": "negative", "negative": "positive"}.get(
              str(row["sentiment"]), "neutral")})(swapped("sent_positive", "sent_negative")(result))),
    Fault("a label in capitals", "sentiments", some(1, lambda _: {"sentiment": "POSITIVE"})),
    Fault("answers at the next row", "sentiments", shifted()),
    Fault("a label lost", "sentiments", some(1, lambda _: {"emotion": None})),
    Fault("a score is not a number", "sentiments", some(1, lambda _: {"emo_joy": NAN})),
    Fault("joy and anger exchanged", "sentiments",
          lambda result: each(lambda row, _: {"emotion": {"joy": "anger", "anger": "joy"}.get(
              str(row["emotion"]), row["emotion"])})(swapped("emo_joy", "emo_anger")(result))),
    Fault("phrases at the next row", "keywords", shifted()),
    Fault("a phrase from nowhere in each", "keywords",
          each(lambda row, _: {"keywords": ["zebra crossing", *row["keywords"]]})),  # type: ignore[misc]
    Fault("the same phrases for all", "keywords", each(lambda _, __: {"keywords": ["power", "bill"]})),
    Fault("three summaries empty", "summaries", some(3, lambda _: {"summary": ""})),
    Fault("a summary longer than its text", "summaries",
          from_read("text_enriched", "summary", lambda text, _: f"{text} Indeed so.")),
    Fault("a sentence from nowhere", "summaries",
          some(2, lambda _: {"summary": "Aliens landed yesterday near ancient pyramids."})),
    Fault("summaries at the next row", "summaries", shifted()),
    Fault("a summary loops", "summaries", some(1, lambda _: {"summary": LOOP})),
    Fault("a score is constant", "themes", each(lambda _, __: {"theme_legal": False, "theme_legal_score": 0.1})),
    Fault("answers at the next row", "themes", shifted()),
    Fault("two themes' columns exchanged", "themes",
          lambda result: swapped("theme_products", "theme_legal")(
              swapped("theme_products_score", "theme_legal_score")(result))),
    Fault("sentiments at the next row", "output", shifted("sent_negative", "sent_neutral", "sent_positive")),
    Fault("topics at the next row", "output", shifted("topic_ids")),
    Fault("channels at the next row", "output", shifted("social")),
    Fault("a message twice", "output", rows(lambda all_: [*all_, all_[0]])),
    Fault("ten messages lost", "output", rows(lambda all_: all_[10:])),
    Fault("stuck on one answer", "classifications",
          each(lambda _, __: {"prezzi": "not mentioned", "prezzi_score": 0.99}), REVIEWS),
    Fault("an answer that there is not", "classifications", some(1, lambda _: {"gentilezza": "mixed"}), REVIEWS),
    Fault("answers at the next row", "classifications", shifted(), REVIEWS),
    Fault("negative is positive", "classifications",
          each(lambda row, _: {"gentilezza": {"negative": "positive", "positive": "negative"}.get(
              str(row["gentilezza"]), row["gentilezza"])}), REVIEWS),
)  # fmt: skip
