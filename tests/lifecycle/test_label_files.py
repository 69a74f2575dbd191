"""Files of labels, as tools write them, and what is told of those that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from socialnlp_assets.labels import formats
from socialnlp_assets.labels.formats import read_labels
from socialnlp_assets.labels.labelled import Labels, LabelsError
from socialnlp_assets.models import load_catalogue

CATALOGUE = load_catalogue()
EMOTION, THEMES, ASPECTS = (Labels(CATALOGUE[name]) for name in ("emotion", "themes", "aspects-stores"))


def read(content: str | bytes | list[Any], name: str, labels: Labels = EMOTION) -> list[tuple[str, tuple[str, ...]]]:
    data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content))
    rows = read_labels(data if isinstance(data, bytes) else data.encode(), name, labels)
    return [(row.text, row.labels) for row in rows]


TASK = {"id": 1, "data": {"text": "so happy"}}
CHOICE = {"from_name": "emotion", "to_name": "text", "type": "choices", "value": {"choices": ["joy"]}}
ARGILLA = {"id": "1", "fields": {"text": "so happy"}, "metadata": {}, "suggestions": {}}
ANSWER = {"user_id": "u", "value": "joy", "status": "submitted"}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("__label__joy so happy\n", "train.txt"),
        ("text,label\nso happy,joy\n", "rows.csv"),
        ("Text;Label;Channel\nso happy;JOY;Twitter\n", "rows.csv"),
        ('{"text": "so happy", "label": "joy"}\n', "rows.jsonl"),
        ([{"text": "so happy", "labels": ["joy"]}], "rows.json"),
        ([TASK | {"annotations": [{"result": [CHOICE]}, {"was_cancelled": True, "result": []}]}], "studio.json"),
        ([ARGILLA | {"responses": {"emotion": [ANSWER, ANSWER | {"status": "draft"}]}}], "argilla.json"),
        ([{"text": "so happy", "emotion.responses": ["joy"], "emotion.responses.users": ["u"]}], "argilla.json"),
    ],
)
def test_every_tools_file_gives_the_same_row(content: Any, name: str) -> None:
    assert read(content, name) == [("so happy", ("joy",))]


def test_a_text_may_have_several_labels_or_none_where_the_model_does() -> None:
    lines = "__label__Foreign_news __label__Economy a text\n"
    assert read(lines, "train.txt", THEMES) == [("a text", ("Economy", "Foreign news"))]
    assert read("text,labels\na text,economy|foreign news\nnothing,-\n", "rows.csv", THEMES) == [
        ("a text", ("Economy", "Foreign news")),
        ("nothing", ()),
    ]


def test_targets_are_labelled_each_in_a_column_or_by_name() -> None:
    expected = [("cheap", ("prezzi=positive", "gentilezza=not mentioned"))]
    assert read("review,prezzi,gentilezza\ncheap,Positive,not_mentioned\n", "rows.csv", ASPECTS) == expected
    row = {"text": "cheap", "labels": ["prezzi=positive", "gentilezza=not mentioned"]}
    assert read(json.dumps(row), "rows.jsonl", ASPECTS) == expected


def test_what_is_known_of_a_text_is_kept() -> None:
    (row,) = read_labels(b"text,label,language,channel\nhi,joy,EN,Twitter\n", "rows.csv", EMOTION)
    assert row.about == {"language": "en", "channel": "twitter"}
    assert (row.file, row.line) == ("rows.csv", 2)


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        ("", "a.csv", "a.csv: is empty; export it again"),
        (b"text,label\n\xff\xfe,joy\n", "a.csv", r"a.csv: is not UTF-8 \(byte 11\); save it as UTF-8"),
        ("text,label\nhi,fury\n", "a.csv", "a.csv:2: no label is called 'fury'; there are joy, optimism, anger"),
        ("text,label\nhi,joy\n,joy\n", "a.csv", "a.csv:3: has no text; take the row out"),
        ("text,label\nhi,\n", "a.csv", "a.csv:2: has no label"),
        ("__label__joy __label__anger hi\n", "a.txt", "a.txt:1: has 2 labels, anger, joy; this model gives one"),
        ("phrase,mood\nhi,joy\n", "a.csv", "a.csv:1: the columns are phrase, mood; name them text and label"),
        ("text,label\n" + "hi,fury\n" * 7, "a.csv", "a.csv: and 2 more such lines"),
        ('{"text": "hi"}\n', "a.jsonl", "a.jsonl:1: has the fields text; write text and label"),
        ('{"text": "hi", "label": \n', "a.jsonl", "a.jsonl:1: is no JSON"),
        ("[1]", "a.json", "a.json:1: is no object but int"),
        ([TASK | {"completions": []}], "a.json", "is an export of Label Studio before 1.0"),
        (
            [{"annotation_id": 1, "text": "hi"}],
            "a.json",
            "is Label Studio's JSON-MIN, which drops labels; export it as",
        ),
        ([{"text": "hi", "annotation": "joy", "annotation_agent": "x"}], "a.json", "is an export of Argilla 1"),
        ([TASK | {"annotations": []}], "a.json", "a.json: no text in it is labelled"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line_and_what_to_do(content: Any, name: str, told: str) -> None:
    with pytest.raises(LabelsError, match=told):
        read(content, name)


def test_more_rows_than_anybody_labels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "MOST_ROWS", 100)
    with pytest.raises(LabelsError, match=r"a\.csv: has more than 100 rows; keep those that are worth learning from"):
        read("text,label\n" + "hi,joy\n" * 101, "a.csv")
