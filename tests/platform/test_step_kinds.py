"""The list of step kinds: ours in data order, and those that an installed package adds by its entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Annotated, ClassVar

import pytest

from socialnlp_assets import assets
from socialnlp_assets.assets import ENTRY_POINTS, STEPS, StepKindError, step_kinds
from socialnlp_assets.assets.step import Does, Hour, Result, Step
from socialnlp_assets.schemas import TEXT, Column


class Sarcasm(Step):
    """Whether a message means what it says."""

    name: ClassVar = "sarcasm"
    kinds: ClassVar = frozenset({"parquet"})
    after: ClassVar = "sentiments"

    model: Annotated[str, Does("text-classification")] = "sentiment"

    def columns(self) -> tuple[Column, ...]:
        return (Column("sarcasm", TEXT, "yes or no"),)

    def compute(self, hour: Hour) -> Result:
        raise AssertionError(f"no hour is run here: {hour}")


class Homeless(Sarcasm):
    """A step after one that does not exist."""

    name: ClassVar = "homeless"
    after: ClassVar = "nothing"


class Second(Sarcasm):
    """A step with the name of one of ours."""

    name: ClassVar = "keywords"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def installed(*names: str) -> None:
        points = [EntryPoint(name, f"{__name__}:{name}", ENTRY_POINTS) for name in names]
        monkeypatch.setattr(assets, "entry_points", lambda group: points if group == ENTRY_POINTS else [])

    step_kinds.cache_clear()
    yield installed
    step_kinds.cache_clear()


def test_an_installed_step_has_its_place_in_data_order(install: Callable[..., None]) -> None:
    install("Sarcasm")
    names = list(step_kinds())
    assert names.index("sarcasm") == names.index("sentiments") + 1
    assert [name for name in names if name != "sarcasm"] == [kind.name for kind in STEPS]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Homeless", "it comes after 'nothing', which is no step: translations,"),
        ("Second", "there is a step 'keywords' already; give it another name"),
        ("Missing", "the step 'Missing' cannot be loaded from tests.platform.test_step_kinds:Missing"),
        ("pytest", "is no subclass of socialnlp_assets.assets.step.Step"),
    ],
)
def test_a_step_that_cannot_be_used_is_told(install: Callable[..., None], name: str, told: str) -> None:
    install(name)
    with pytest.raises(StepKindError, match=told):
        step_kinds()


def test_a_step_says_which_models_it_asks() -> None:
    assert Sarcasm(model="emotion").models() == ["emotion"]
    assert Sarcasm.model_options()["model"].tasks == ("text-classification",)
