"""`filtered_text`: the English text without what translation and social media leave behind."""

from __future__ import annotations

from typing import Annotated, ClassVar

from socialnlp_assets.assets.rows import ask, result_of_answers
from socialnlp_assets.assets.step import Does, Hour, Result, Step
from socialnlp_assets.checks import Expectation, Level
from socialnlp_assets.schemas import TEXT, Column


class FilteredText(Step):
    """The English text without URLs, user names, emoji, slang and other noise."""

    name: ClassVar = "filtered_text"
    kinds: ClassVar = frozenset({"parquet", "huggingface"})
    writes_text: ClassVar = "text_clean"

    model: Annotated[str, Does("normalisation")] = "normalizer"

    def columns(self) -> tuple[Column, ...]:
        return (Column("text_clean", TEXT, "the English text without noise; empty when nothing is left"),)

    def plausible(self) -> tuple[Expectation, ...]:
        pair = {"column_A": f"read_{self.text[1]}", "column_B": "text_clean"}
        model = f"look at the answers of the model `{self.model}`, and go back to its version before"
        return (
            Expectation(
                "expect_column_pair_text_to_be_answered", pair,
                "a text with words keeps some", model, rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_be_free_of_loops", pair,
                "a clean text does not repeat itself", model, rejects=True,
            ),
            Expectation(
                "expect_column_pair_text_to_stay_plain", pair,
                "a clean text has no marks of a program", model, rejects=True,
            ),
            Expectation(
                "expect_column_texts_to_be_without_noise", {"column": "text_clean", "mostly": 0.98},
                "addresses, user names, emoji and spaces to spare are gone", model, error_beyond=0.2,
            ),
            Expectation(
                "expect_column_pair_negations_to_be_kept", pair | {"mostly": 0.98},
                "what was denied still is", model, error_beyond=0.1,
            ),
            Expectation(
                "expect_column_pair_negations_to_be_kept",
                {"column_A": "text_clean", "column_B": pair["column_A"], "mostly": 0.85},
                "nothing is denied that was not", model, error_beyond=0.3,
            ),
            Expectation(
                "expect_column_pair_numbers_to_be_kept", pair | {"mostly": 0.98},
                "numbers stay", model, error_beyond=0.2,
            ),
            Expectation(
                "expect_column_pair_words_to_be_kept", pair | {"mostly": 0.98},
                "half of the words stay, and few come", model, error_beyond=0.1,
            ),
            *(
                Expectation(kind, {"column_list": list(pair.values()), "min_share": share}, says, model,
                            level=Level.WARNING)
                for kind, share, says in (
                    ("expect_table_numbers_to_be_kept", 0.85, "most numbers stay"),
                    ("expect_table_endings_to_be_kept", 0.6, "texts end as they did"),
                    ("expect_table_vocabulary_to_be_kept", 0.75, "words stay, in their order"),
                    ("expect_table_capitals_to_be_kept", 0.6, "clean texts are in capital and small letters"),
                    ("expect_table_beginnings_to_differ", 0.7, "clean texts do not all begin alike"),
                )
            ),
        )  # fmt: skip

    def compute(self, hour: Hour) -> Result:
        table, texts = self.texts(hour)
        clean, usage = ask(hour, self.model, texts)
        return result_of_answers(table, [clean], self.table(), lambda text: {"text_clean": text}, [usage])
