"""A version in canary answers a share of the hours' texts beside the one in service, and costs no hour anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from socialnlp_assets.assets.models.canary import Tally, compare, is_shared, settle, tally_of
from socialnlp_assets.models.catalogue import Canary, CatalogueError, Training, load_catalogue
from socialnlp_assets.resources.build import build_endpoints, build_lake
from socialnlp_assets.resources.endpoints.backend import EndpointError, EndpointFailed, NoCapacity, Throttled
from socialnlp_assets.resources.endpoints.metering import Usage
from socialnlp_assets.resources.endpoints.requester import PredictionFailed
from socialnlp_assets.resources.endpoints.resource import Endpoints
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.registry import LakeRegistry, approval, store_files
from socialnlp_assets.resources.registry.versions import Made, State, Version
from socialnlp_assets.settings import Settings
from tests.lifecycle.conftest import CATALOGUE, MODEL, make_model, rows
from tests.lifecycle.test_registry import made

TEXTS = [text for text, _ in rows(60, seed=5)]


@pytest.mark.parametrize(("told", "share"), [("10%", 0.1), (0.1, 0.1), ({"share": "2.5 %"}, 0.025)])
def test_a_share_is_written_as_people_write_it(told: object, share: float) -> None:
    canary = Training.model_validate({"canary": told}).canary
    assert canary is not None
    assert canary.share == pytest.approx(share)


def test_a_share_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(CATALOGUE + "    canary: a few\n")
    with pytest.raises(CatalogueError, match=r"ours\.yaml:\d+.*canary"):
        load_catalogue(tmp_path)


def test_a_share_is_a_share_and_the_same_texts_each_time() -> None:
    texts = [f"text {number}" for number in range(2000)]
    tenth, fifth = ({text for text in texts if is_shared(text, share)} for share in (0.1, 0.2))
    assert 150 < len(tenth) < 250
    assert tenth < fifth


@pytest.fixture
def registry(tmp_path: Path) -> LakeRegistry:
    return LakeRegistry(Lake(uri=str(tmp_path / "lake")))


def state(registry: LakeRegistry, number: int = 1) -> State:
    return registry.version(MODEL, number).state


@pytest.mark.parametrize(
    ("tallies", "expected", "why"),
    [
        ([Tally(texts=60, alike=60)], State.CANARY, ""),
        ([Tally(texts=60, alike=60), Tally(texts=60, alike=50)], State.APPROVED, "120 texts, 8.3% answered otherwise"),
        ([Tally(texts=120, alike=80)], State.REJECTED, "33.3% answered otherwise.*20% are allowed"),
        ([Tally(texts=20, alike=20), Tally(failures=("gone",))], State.REJECTED, "its endpoint failed: gone"),
    ],
)
def test_enough_texts_answered_alike_bring_it_into_service_and_anything_else_rejects_it(
    registry: LakeRegistry, tallies: list[Tally], expected: State, why: str
) -> None:
    registry.register(made("one", MODEL), "training", "passed the gate")
    registry.decide(MODEL, 1, State.CANARY, "ada", "try it")
    for number, tally in enumerate(tallies):
        registry.lake.put(f"models/{MODEL}/canary/1/{number}.json", tally.model_dump_json().encode())
    for _ in range(2):  # two hours that end at the same time
        settle(registry, MODEL, 1, Canary(share=0.1, texts=100))
    assert state(registry) is expected
    if why:
        version = registry.version(MODEL, 1)
        assert version.who == "canary"
        assert re.search(why, version.why)


def test_one_version_at_a_time_and_who_approves_it_again_does_not_wait(registry: LakeRegistry) -> None:
    entry = load_catalogue()["emotion"]
    tried = entry.model_copy(update={"training": Training.model_validate({"canary": "10%"})})
    for digest in ("one", "two"):
        registry.register(made(digest, MODEL), "training", "passed the gate")
    for number in (1, 2):
        assert approval(entry, registry.version(MODEL, number)) is State.APPROVED
        assert approval(tried, registry.version(MODEL, number)) is State.CANARY
        registry.decide(MODEL, number, State.CANARY, "ada", "try it")
    assert (state(registry, 1), state(registry, 2)) == (State.PENDING, State.CANARY)
    assert registry.history(MODEL).in_service() is None
    assert approval(tried, registry.version(MODEL, 2)) is State.APPROVED


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NoCapacity("no"), State.CANARY),
        (Throttled("no"), State.CANARY),
        (EndpointFailed("e1 could not be created: the server has ended"), State.REJECTED),
    ],
)
def test_a_version_is_not_rejected_for_want_of_a_machine(
    registry: LakeRegistry, error: EndpointError, expected: State
) -> None:
    registry.register(made("one", MODEL), "training", "passed the gate")
    registry.decide(MODEL, 1, State.CANARY, "ada", "try it")
    compare(Both(registry, error), MODEL, TEXTS, TEXTS, {}, {})  # type: ignore[arg-type]
    assert state(registry) is expected


def test_both_are_asked_the_same_of_the_same_texts(registry: LakeRegistry) -> None:
    registry.register(made("one", MODEL), "training", "passed the gate")
    registry.decide(MODEL, 1, State.CANARY, "ada", "try it")
    endpoints = Both(registry)
    languages = [str(number) for number in range(len(TEXTS))]
    results = [f"{text} in {language}" for text, language in zip(TEXTS, languages, strict=True)]
    compare(endpoints, MODEL, TEXTS, results, {"src_lang": languages, "top_k": 3}, {})  # type: ignore[arg-type]
    tally = tally_of(registry.lake, MODEL, 1)
    assert 0 < tally.texts == tally.alike < len(TEXTS)
    assert endpoints.shared == {"top_k": 3}


class Both:
    """Endpoints with a version in canary, which answers a text with its language, or cannot be had."""

    def __init__(self, registry: LakeRegistry, error: Exception | None = None) -> None:
        self.registry, self.error = registry, error
        self.shared: dict[str, Any] = {}
        training = Training.model_validate({"canary": {"share": 0.5, "texts": 1000}})
        self.catalogue = {MODEL: SimpleNamespace(training=training)}

    def candidate(self, model: str) -> Version:
        return self.registry.version(model, 1)

    @contextmanager
    def lease(self, model: str, **_: Any) -> Iterator[Any]:
        if self.error:
            raise self.error

        def predict(texts: list[str], src_lang: list[str], **shared: Any) -> list[str]:
            self.shared = shared
            return [f"{text} in {language}" for text, language in zip(texts, src_lang, strict=True)]

        yield SimpleNamespace(predict=predict, usage=Usage(model, "canary", request_seconds=1.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "ours.yaml").write_text(CATALOGUE + "    canary: {share: 50%, texts: 20}\n")
    make_model(folder, rows(60, seed=9)).rename(folder / MODEL)
    return folder


@pytest.fixture
def endpoints(tmp_path: Path, folder: Path) -> Iterator[Endpoints]:
    settings = Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state", models=folder)
    with build_endpoints(settings) as endpoints:
        yield endpoints
        endpoints.stop_all()


@pytest.mark.parametrize("error", [EndpointFailed("e1 could not be created (Failed): quota"), PredictionFailed("slow")])
def test_what_is_not_of_the_model_rejects_no_version(
    registry: LakeRegistry, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    registry.register(made("one", MODEL), "training", "passed the gate")
    registry.decide(MODEL, 1, State.CANARY, "ada", "try it")
    settings = Settings(lake=registry.lake.uri, state=tmp_path / "state", models=folder)

    def no_lease(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Endpoints, "lease", no_lease)
    with build_endpoints(settings) as endpoints:
        compare(endpoints, MODEL, TEXTS, [None] * len(TEXTS), {}, {})
    assert state(registry) is State.CANARY


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["honest", "swapped", "broken"])
def test_an_hours_texts_are_asked_of_both(tmp_path: Path, endpoints: Endpoints, kind: str) -> None:
    lake = build_lake(Settings(lake=str(tmp_path / "lake"), state=tmp_path / "state"))
    labelled = rows(80, seed=3)
    if kind == "swapped":
        labelled = [(text, "bad" if label == "good" else "good") for text, label in labelled]
    model = make_model(tmp_path, labelled)
    if kind == "broken":
        settings = json.loads((model / "model.json").read_text())
        (model / "model.json").write_text(json.dumps(settings | {"engine": "none-such"}))
    where, digest, files, size = store_files(lake, MODEL, model)
    registry = LakeRegistry(lake)
    registry.register(
        Made(model=MODEL, folder=where, digest=digest, files=files, size=size, source="trained"), "training", "passed"
    )
    registry.decide(MODEL, 1, State.CANARY, "ada", "try it")
    with endpoints.lease(MODEL) as mood:
        answers = mood.predict(TEXTS)
    compare(endpoints, MODEL, TEXTS, answers, {}, {})
    expected = {"honest": State.APPROVED}.get(kind, State.REJECTED)
    assert state(registry) is expected, registry.version(MODEL, 1).why
    assert endpoints.asked[MODEL].startswith("0@")  # the rows were made by the other one
    if kind != "broken":
        tally = tally_of(lake, MODEL, 1)
        assert tally.texts == sum(is_shared(text, 0.5) for text in TEXTS)
        assert (tally.disagreement > 0.9) == (kind == "swapped")
