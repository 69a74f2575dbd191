"""What `socialnlp models package` writes, says and refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers
from click.testing import CliRunner

from benchmarks import architectures
from benchmarks.servers import serving
from socialnlp_assets.cli.models import models
from socialnlp_assets.models import load_catalogue, packaging_check
from socialnlp_assets.models.catalogue import ModelEntry
from socialnlp_assets.models.packaging import package
from socialnlp_assets.models.packaging_convert import spelled_labels
from socialnlp_assets.models.packaging_origin import PackagingError
from socialnlp_assets.models.packaging_source import digest, find_source
from socialnlp_assets.nlp.chunking import Mode, plan
from tests.models import hf_toolkit, tiny
from tests.models.conftest import Pair
from tests.packaging.installed import closure, run_with

Pairs = Callable[[str], Pair]


@pytest.mark.slow
def test_the_archive_tells_what_is_in_it_and_where_it_came_from(pair: Pairs) -> None:
    made = pair("sentiment")
    settings = json.loads((made.folder / "model.json").read_text())
    provenance = settings["provenance"]
    assert settings["engine"] == "onnx-sequence-classification"
    assert settings["labels"] == ["negative", "neutral", "positive"]
    assert provenance["revision"].startswith("sha256:")
    assert provenance["self_check"]["passed"]
    listed = provenance["files"]
    assert {"model.onnx", "tokenizer.json", "README.md", "code/inference.py"} <= set(listed)
    assert all(digest(made.folder / name) == found for name, found in listed.items())
    assert made.packaged.sha256 == digest(made.packaged.archive)


@pytest.mark.slow
def test_the_same_source_gives_the_same_archive(pair: Pairs, tmp_path: Path) -> None:
    made = pair("sentiment")
    again = package("sentiment", load_catalogue()["sentiment"], tmp_path, source=str(made.original))
    assert again.sha256 == made.packaged.sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "texts", "parameters"),
    [
        ("sentiment", [text for text, _ in tiny.reviews(12, seed=4)], {"top_k": None, "truncation": True}),
        ("translator", [text for text, _ in tiny.sentences(6, seed=4)], {"src_lang": "it", "max_length": 24}),
        ("summarizer", [text for text, _ in tiny.articles(3, seed=4)], {"min_length": 5}),
        ("normalizer", ["i want 2 go home", "we r very happy today"], {}),
    ],
)
def test_our_server_and_the_hugging_face_toolkit_give_equal_answers(
    pair: Pairs, name: str, texts: list[str], parameters: dict[str, object]
) -> None:
    """Both from the same unpacked archive; the toolkit has only what the archive brings."""
    folder = pair(name).folder
    with serving(folder) as ours, hf_toolkit.serving(folder) as toolkit:
        assert ours.ask(texts, parameters) == toolkit.ask(texts, parameters)
        with pytest.raises(RuntimeError, match="400"):
            toolkit.ask(texts, {"temperature": 1})
        if name == "translator":
            with pytest.raises(RuntimeError, match=r"400.*inputs\[1\]: parameters.src_lang: 'xx' is not a language"):
                toolkit.ask(texts[:2], {"src_lang": ["it", "xx"]})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sentiment", "translator", "summarizer", "normalizer"])
def test_the_archives_code_needs_only_its_own_requirements(pair: Pairs, name: str) -> None:
    folder = pair(name).folder
    pinned = (folder / "code" / "requirements.txt").read_text().splitlines()
    program = """
sys.path.insert(0, sys.argv[1] + "/code")
import inference
repository = inference.model_fn(sys.argv[1])
print(len(inference.predict_fn(json.loads(sys.argv[2]), repository)))
print(inference.request_body.parse.__code__.co_filename)
"""
    body = {"inputs": ["i want 2 go home", ""], "parameters": {"src_lang": "it"} if name == "translator" else {}}
    answers, origin = run_with(closure(pinned), program, str(folder), json.dumps(body)).splitlines()[-2:]
    assert answers == "2"
    assert Path(origin).is_relative_to(folder)  # out of the archive


@pytest.mark.slow
def test_a_model_that_disagrees_with_its_original_is_refused(
    pair: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here by a demand that no conversion meets: more than all texts alike."""
    made = pair("translator")
    monkeypatch.setattr(packaging_check, "SAME_TEXT", 1.1)
    monkeypatch.setattr(packaging_check, "CHRF", 101.0)
    monkeypatch.setenv("SOCIALNLP_STATE", str(tmp_path))
    result = CliRunner().invoke(models, ["package", "translator", "--source", str(made.original)])
    assert result.exit_code == 1
    assert "--force" in result.output
    assert not list(tmp_path.rglob("*.tar.gz"))


def test_a_download_without_the_hubs_cache_knows_its_commit(tmp_path: Path) -> None:
    """As `hf download --local-dir` leaves it: a note beside each file, of its commit and its hash."""
    commit, notes = "4d2d6e0a" * 5, tmp_path / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    (tmp_path / "config.json").write_text("{}\n")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    large = hashlib.sha256(b"weights").hexdigest()
    small = hashlib.sha1(b"blob 3\0{}\n").hexdigest()  # as `git hash-object` says
    for name, tag in {"config.json": small, "model.safetensors": large}.items():
        (notes / f"{name}.metadata").write_text(f"{commit}\n{tag}\n1764000000.0\n")
    assert find_source(str(tmp_path), "", tmp_path).revision == commit
    (tmp_path / "model.safetensors").write_bytes(b"weights of my own")
    assert find_source(str(tmp_path), "", tmp_path).revision.startswith("sha256:")


def test_a_folder_that_is_not_there_is_told_from_a_hub_id() -> None:
    with pytest.raises(PackagingError, match="there is no folder"):
        find_source("./no/such/folder", "", Path())


@pytest.mark.slow
@pytest.mark.parametrize("weights", [b"", b"no weights"])
def test_a_folder_without_a_model_is_refused_in_one_line(tmp_path: Path, weights: bytes) -> None:
    if weights:
        architectures.roberta(tmp_path, ["a text"], architectures.TINY, ["negative", "neutral", "positive"])
        (tmp_path / "model.safetensors").write_bytes(weights)
    result = CliRunner().invoke(models, ["package", "sentiment", "--source", str(tmp_path), "--output", str(tmp_path)])
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.startswith("Error:")]
    assert "cannot be converted for onnx-sequence-classification: " in line
    assert "Traceback" not in result.output


def test_an_unknown_name_lists_the_known_ones() -> None:
    result = CliRunner().invoke(models, ["package", "sentimant"])
    assert result.exit_code == 2
    assert "sentiment" in result.output


def test_the_list_shows_every_model() -> None:
    output = CliRunner().invoke(models, ["list"]).output
    assert all(name in output for name in load_catalogue().names())


def entry_of(labels: tuple[str, ...], in_order: tuple[str, ...] = ()) -> ModelEntry:
    entry = load_catalogue()["sentiment"]
    return entry.model_copy(update={"labels": labels, "aws": entry.aws.model_copy(update={"labels": in_order})})


def test_labels_follow_the_model_s_own_order() -> None:
    assert spelled_labels({0: "Positive", 1: "Negative"}, entry_of(("negative", "positive"))) == [
        "positive",
        "negative",
    ]


def test_labels_without_names_are_never_guessed() -> None:
    names = {0: "LABEL_0", 1: "LABEL_1"}
    with pytest.raises(PackagingError, match=r"does not name its labels.*aws\.labels in catalogue\.yaml"):
        spelled_labels(names, entry_of(("joy", "anger")))
    assert spelled_labels(names, entry_of(("joy", "anger"), ("anger", "joy"))) == ["anger", "joy"]
    with pytest.raises(PackagingError, match="the catalogue has joy, anger"):
        spelled_labels(names, entry_of(("joy", "anger"), ("anger", "fear")))


def test_other_labels_are_refused() -> None:
    with pytest.raises(PackagingError, match="catalogue has negative, positive"):
        spelled_labels({0: "good", 1: "bad"}, entry_of(("negative", "positive")))


def test_the_self_check_asks_what_the_models_have_to_work_on() -> None:
    texts, parameters = packaging_check.questions("translation", {"languages": ["it", "fr", "sw", "es"]})
    assert len(texts) >= 50
    assert len(set(texts)) == len(texts) == len(parameters["src_lang"])
    articles, _ = packaging_check.questions("summarization", {})
    modes = [plan(text, lambda text: len(text.split())).mode for text in articles]  # a model counts more than words
    assert Mode.KEEP not in modes
    assert modes.count(Mode.WHOLE) >= 4
    assert Mode.SPLIT in modes
    noisy, _ = packaging_check.questions("normalisation", {})
    assert len(noisy) >= 20
    assert all(packaging_check.has_choice(text) for text in noisy)
    assert not packaging_check.has_choice("the shop is kind")


@pytest.mark.slow
def test_a_noise_filter_that_chooses_otherwise_does_not_pass(pair: Pairs) -> None:
    """The tiny one, compared with another that has learnt nothing: most letters are the same all the same."""
    made = pair("normalizer")
    entry, settings = load_catalogue()["normalizer"], json.loads((made.folder / "model.json").read_text())
    assert packaging_check.self_check(entry, made.folder, settings, made.original, threads=1)["passed"]
    other = Path(shutil.copytree(made.original, made.folder.parent / "other"))
    tiny.architectures.seed(1)
    model = transformers.DistilBertForMaskedLM(transformers.AutoConfig.from_pretrained(other))
    model.save_pretrained(other)
    figures = packaging_check.self_check(entry, made.folder, settings, other, threads=1)
    assert not figures["passed"]


def test_a_model_of_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    architectures.roberta(tmp_path / "other", ["a text"], architectures.TINY, ["good", "bad", "ugly"])
    with pytest.raises(PackagingError, match="labels"):
        package("sentiment", load_catalogue()["sentiment"], tmp_path, source=str(tmp_path / "other"))
