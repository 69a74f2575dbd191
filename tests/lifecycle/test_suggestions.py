"""What is worth labelling next, in the formats of the tools that people label with."""

from __future__ import annotations

import json

from socialnlp_assets.labels.formats import read_labels
from socialnlp_assets.labels.labelled import Labels
from socialnlp_assets.labels.suggest import FORMATS, Scores, suggest
from socialnlp_assets.models.catalogue import load_catalogue

EMOTION = load_catalogue()["emotion"]
KNOWN = ["so happy with it", "nobody answers the phone", "so unsure of it"]


def sure(label: str, score: float = 0.97) -> Scores:
    return {each: score if each == label else (1 - score) / 3 for each in EMOTION.labels}


TEXTS = {
    "so happy with the phone": (sure("joy"), sure("joy")),
    "nobody answers": (sure("anger"), sure("sadness")),
    "so unsure of the phone": ({"joy": 0.4, "optimism": 0.1, "anger": 0.38, "sadness": 0.12}, sure("joy")),
    "kilowatts everywhere": (sure("joy"), sure("joy")),
    "So happy with it!": (sure("joy"), sure("joy")),  # which is labelled already
}
FOUND = suggest(EMOTION, list(TEXTS), [a for a, _ in TEXTS.values()], [b for _, b in TEXTS.values()], KNOWN, 3)


def test_the_unsure_the_disagreeing_and_the_new_come_first() -> None:
    assert {each.text: each.why for each in FOUND} == {
        "so unsure of the phone": "the model is unsure",
        "nobody answers": "two versions disagree",
        "kilowatts everywhere": "new words: kilowatts, everywhere",
    }


def test_each_tool_gets_the_text_and_what_the_model_says_of_it() -> None:
    (task, *_) = json.loads(FORMATS["label-studio"](EMOTION, FOUND[-1:], "3@1f2e3d4c"))
    assert task["data"]["text"] == FOUND[-1].text
    assert task["predictions"][0]["model_version"] == "3@1f2e3d4c"
    assert task["predictions"][0]["result"][0]["value"] == {"choices": list(FOUND[-1].labels)}
    (record, *_) = json.loads(FORMATS["argilla"](EMOTION, FOUND[-1:], "3@1f2e3d4c"))
    assert record["fields"] == {"text": FOUND[-1].text}
    assert record["suggestions"]["label"]["value"] == FOUND[-1].labels[0]


def test_a_csv_that_somebody_has_filled_in_is_a_file_of_labels() -> None:
    lines = FORMATS["csv"](EMOTION, FOUND, "3@1f2e3d4c").splitlines()
    filled = "\n".join([lines[0], *(line.replace(",,", ",sadness,", 1) for line in lines[1:])])
    rows = read_labels(filled.encode(), "next.csv", Labels(EMOTION))
    assert [(row.text, row.labels) for row in rows] == [(each.text, ("sadness",)) for each in FOUND]
