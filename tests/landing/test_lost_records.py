"""Damage costs the record that it is in: what a lenient reader forgives would be counted in no other record."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialnlp_assets.landing import Message, Reject, read_messages, read_records
from socialnlp_assets.landing.json_values import Broken, json_values
from socialnlp_assets.sources import shapes

HEADER = "messageId,channelType,createdTime,topicIds,message"
ROWS = [f"{n},TWITTER,179516160{n}000,1,the power is back in street {n}" for n in range(5)]


def read(data: str | bytes) -> list[str]:
    """Each record in its order: a message's identity, or `reject`."""
    whole = data.encode() if isinstance(data, str) else data
    found = list(read_records(whole, "file", shapes()))
    assert list(read_records(gzip.compress(whole), "file", shapes())) == found
    assert [record.position for record in found] == list(range(len(found)))
    return ["reject" if isinstance(record, Reject) else record.raw["messageId"] for record in found]


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


BROKEN_ROWS = {
    "a quote that never closes": '1,TWITTER,1795161601000,1,"open quote and no end',
    "the same, in the first cell": '"1,TWITTER,1795161601000,1,open quote and no end',
    "a quote in a cell that is not doubled": '1,TWITTER,1795161601000,1,"they said "wait" and left"',
    "a closing quote that is followed by more": '1,TWITTER,1795161601000,1,"they said" wait',
    "a cell too many": "1,TWITTER,1795161601000,1,no, thanks",
    "a cell too few": "1,TWITTER,1795161601000",
}
LATER_ROWS = {
    "plain": ROWS[2],
    "quoted": '2,TWITTER,1795161602000,1,"no, thanks"',
    "all quoted": '"2","TWITTER","1795161602000","1","no, thanks"',
    "with a quote at its end": '2,TWITTER,1795161602000,1,a screen of 40"',
    "of several lines": '2,TWITTER,1795161602000,1,"first\n\nsecond, third\n"',
    "with doubled quotes": '2,TWITTER,1795161602000,1,"they said ""wait"", and left"',
}


@pytest.mark.parametrize("later", LATER_ROWS)
@pytest.mark.parametrize("kind", BROKEN_ROWS)
def test_a_broken_row_costs_one_row(kind: str, later: str) -> None:
    assert read(table(ROWS[0], BROKEN_ROWS[kind], LATER_ROWS[later], ROWS[3])) == ["0", "reject", "2", "3"]
    assert read(table(ROWS[0], BROKEN_ROWS[kind])) == ["0", "reject"]


def test_a_header_whose_quotes_are_broken_still_names_its_columns() -> None:
    header = '"messageId" ,' + HEADER.partition(",")[2]
    assert read("\n".join([header, *ROWS])) == ["0", "1", "2", "3", "4"]


def test_a_number_of_any_length_is_read_to_its_end_before_it_is_judged() -> None:
    long = "1" * 5000
    assert [isinstance(found, Broken) for found in json_values(iter([f"[{long}", ".5]"]))] == [False]
    (broken,) = json_values(iter([f"[{long}", "1]"]))
    assert broken.problem.startswith("holds a number of more than 4,300 digits")


def test_how_long_one_record_is_has_nothing_to_do_with_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socialnlp_assets.landing.json_values.RECORD_LIMIT", 100)
    assert list(json_values(iter(['{"a": 1}' * 20 + '{"b": ', "2}"]))) == [{"a": 1}] * 20 + [{"b": 2}]


def test_the_reject_is_the_line_and_says_what_is_wrong() -> None:
    _, rejects = read_messages(table(BROKEN_ROWS["a quote that never closes"], ROWS[2]).encode(), "x.csv", shapes())
    assert [reject.record for reject in rejects] == ['1,TWITTER,1795161601000,1,"open quote and no end']
    assert "quote that is not closed" in rejects[0].reason


def test_several_open_quotes_cost_their_own_rows() -> None:
    broken = BROKEN_ROWS["a quote that never closes"]
    assert read(table(broken, ROWS[1], broken, broken, ROWS[2])) == ["reject", "1", "reject", "reject", "2"]


def test_a_text_of_many_lines_with_commas_is_a_text() -> None:
    text = "gas, light, water, waste, all\n2 bills, 3 letters, 4 calls, 5 visits, 0 answers\n\nso be it"
    row = io.StringIO()
    csv.writer(row).writerow(["1", "TWITTER", "1795161601000", "1", text])
    messages, rejects = read_messages(table(row.getvalue().rstrip(), ROWS[2]).encode(), "x.csv", shapes())
    assert rejects == []
    assert [message.raw["message"] for message in messages] == [text, "the power is back in street 2"]


def test_open_quotes_by_the_thousand_cost_their_own_rows() -> None:
    rows = [f'{n},TWITTER,1795161601000,1,"open' + " and more" * 20 for n in range(10_000)]
    assert read(table(*rows, ROWS[0])) == ["reject"] * 10_000 + ["0"]


def test_tables_one_behind_the_other() -> None:
    second = "channelType,messageId,createdTime,message\nWEB,9,1795161601000,an article\n"
    assert read("\ufeff" + table(ROWS[0]) + "\ufeff" + table(ROWS[1]) + "\ufeff" + second) == ["0", "1", "9"]


OBJECTS = [{"messageId": str(n), "content": {"text": f"text {n}"}, "topicIds": [n]} for n in range(3)]
LINES = [json.dumps(one) for one in OBJECTS]


@pytest.mark.parametrize("mark", ["\ufeff", "\ufeff\ufeff", "\n\ufeff\n", " \ufeff "])
def test_a_byte_order_mark_between_values_costs_nothing(mark: str) -> None:
    all_three = ["0", "1", "2"]
    assert read(f"\n{mark}".join(LINES)) == all_three
    assert read(mark.join(LINES)) == all_three
    assert read("[" + f",{mark}".join(LINES) + "]") == all_three
    assert read(json.dumps(OBJECTS[:1]) + mark + json.dumps(OBJECTS[1:])) == all_three


def test_a_byte_order_mark_behind_a_broken_value_costs_that_value() -> None:
    assert read(f'{{"messageId": nope}}\n\ufeff{LINES[1]}\n{LINES[2]}') == ["reject", "1", "2"]
    assert read(f'[{{"messageId": "lost quote}},\ufeff{LINES[1]}, {LINES[2]}]') == ["reject", "1", "2"]


def test_utf_16_files_one_behind_the_other() -> None:
    assert read("".join(LINES[:2]).encode("utf-16") + LINES[2].encode("utf-16")) == ["0", "1", "2"]


UNCLOSED = {
    "object": '{"messageId": "1", "content": {"text": "x"}',
    "inner object": '{"messageId": "1", "content": {"text": "x", "topicIds": [1]}',
    "list in an object": '{"messageId": "1", "topicIds": [1, 2}',
    "text": '{"messageId": "1", "content": {"text": "x}}',
    "name": '{"messageId: "1", "content": {"text": "x"}}',
}


@pytest.mark.parametrize("kind", UNCLOSED)
def test_a_value_that_is_not_closed_costs_one_record(kind: str) -> None:
    for between in (", ", ",\n", "\n,\n"):
        assert read("[" + between.join([LINES[0], UNCLOSED[kind], LINES[2]]) + "]") == ["0", "reject", "2"]
    assert read("\n".join([LINES[0], UNCLOSED[kind], LINES[2]])) == ["0", "reject", "2"]


def test_an_object_that_is_not_closed_at_the_end_of_its_list() -> None:
    assert read(f"[{LINES[0]}, {UNCLOSED['object']}]\n{LINES[2]}") == ["0", "reject", "2"]


CELL = st.text('ab,;"\n 1', max_size=12)
CUTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30)), max_size=4)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(CELL, min_size=1, max_size=6), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_a_csv_writer_writes_is_read_as_it_was(texts: list[str], quoting: Any) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting, lineterminator="\n")
    writer.writerows(
        [HEADER.split(","), *([str(n), "WEB", "1795161601000", "1", text] for n, text in enumerate(texts))]
    )
    messages, rejects = read_messages(out.getvalue().encode(), "x.csv", shapes())
    assert rejects == []
    assert [message.raw["message"] for message in messages] == texts


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=CUTS)
def test_quotes_anywhere_in_texts_cost_no_other_row(cuts: list[tuple[int, int]]) -> None:
    """Of six rows of a line each: whatever quotes stand in their texts, six records, and those without are rows."""
    texts = [f"the power is back in street {n}" for n in range(6)]
    for row, at in cuts:
        texts[row] = texts[row][:at] + '"' + texts[row][at:]
    found = list(
        read_records(
            table(*(f"{n},WEB,1795161601000,1,{text}" for n, text in enumerate(texts))).encode(), "x", shapes()
        )
    )
    assert len(found) == 6
    for text, record in zip(texts, found, strict=True):
        assert isinstance(record, Message) or '"' in text
