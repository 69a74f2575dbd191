"""The training program keeps SageMaker's contract: files in, a model folder out, a reason where there is none."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from socialnlp_assets.serving.loaded_model import Model
from socialnlp_assets.training.container import Stopped, TrainingError, read_channel, train
from tests.lifecycle.conftest import OTHERS, WORDS, make_model, rows


def digest(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("recipe", ["linear", "fasttext"])  # blazingtext is fasttext with other defaults
def test_a_recipe_gives_a_model_that_is_served_and_the_same_for_the_same_seed(tmp_path: Path, recipe: str) -> None:
    models = [make_model(tmp_path / name, rows(200), recipe=recipe, seed="7") for name in ("one", "two")]
    assert digest(models[0]) == digest(models[1])
    model = Model.load(models[0], threads=1)
    (found,) = model.handler.predict(
        [
            "ban glad great",
        ],
        {},
    ).results
    assert max(found, key=found.__getitem__) == "good"
    settings = json.loads((models[0] / "model.json").read_text())
    assert settings["trained"]["recipe"] == recipe
    assert settings["trained"]["seed"] == 7


def test_several_targets_are_trained_one_after_the_other_and_a_finished_one_is_not_trained_again(
    tmp_path: Path,
) -> None:
    root = tmp_path
    channel, config = root / "input" / "data" / "train", root / "input" / "config"
    channel.mkdir(parents=True)
    config.mkdir(parents=True)
    given = {"model": "reviews", "task": "aspects", "labels": '["good", "bad"]', "targets": '["price", "place"]'}
    (config / "hyperparameters.json").write_text(json.dumps(given))
    lines = "".join(f"__label__{label} {text}\n" for text, label in rows(60))
    (channel / "price.txt").write_text(lines)
    with pytest.raises(TrainingError, match=r"place\.txt: cannot be read: .*; the channel train lacks it"):
        train(root)
    weights = root / "checkpoints" / "finished-price" / "linear.npz"
    finished = weights.stat().st_mtime_ns
    (channel / "place.txt").write_text(lines)
    train(root)
    assert weights.stat().st_mtime_ns == finished
    weights.write_bytes(b"a part of it")  # as a machine that went away would leave it
    train(root)
    assert weights.read_bytes() == (root / "model" / "price" / "linear.npz").read_bytes() != b"a part of it"
    assert sorted(path.name for path in (root / "model").iterdir()) == ["model.json", "place", "price"]
    assert json.loads((root / "model" / "model.json").read_text())["targets"] == ["price", "place"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("__label__joy so happy\n", "texts.txt:1: no label is called __label__joy; there are __label__good"),
        ("__label__good fine\n", "texts.txt: has no text of bad; label some"),
        ("__label__good __label__bad fine\n", "texts.txt:1: has 2 labels; give each text one"),
        ("fine\n", "texts.txt:1: has 0 labels; give each text one"),
    ],
)
def test_a_channel_that_teaches_nothing_is_refused(lines: str, told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        read_channel(lines.encode(), ("good", "bad"), "texts.txt", "text-classification")


def start(root: Path, **hyperparameters: str) -> subprocess.Popen[bytes]:
    (root / "input" / "config").mkdir(parents=True)
    (root / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    program = [sys.executable, "-m", "socialnlp_assets.training.container", "--root", str(root)]
    return subprocess.Popen(program, stderr=subprocess.PIPE)


def test_a_job_that_cannot_succeed_says_why_where_sagemaker_looks(tmp_path: Path) -> None:
    with start(tmp_path, model="mood", recipe="magic") as process:
        assert process.wait(60) == 1
    told = (tmp_path / "output" / "failure").read_text()
    assert told == "hyperparameter recipe=magic: there are linear, fasttext, blazingtext, transformers"


def test_sigterm_ends_it_with_what_is_finished(tmp_path: Path) -> None:
    channel = tmp_path / "input" / "data" / "train"
    channel.mkdir(parents=True)
    (channel / "price.txt").write_text("".join(f"__label__{label} {text}\n" for text, label in rows(60)))
    os.mkfifo(channel / "place.txt")  # which nobody writes to: it waits there
    given = {"model": "reviews", "task": "aspects", "labels": '["good", "bad"]', "targets": '["price", "place"]'}
    with start(tmp_path, **given) as process:
        finished = tmp_path / "checkpoints" / "finished-price.json"
        for _ in range(600):
            if finished.exists() and finished.stat().st_size:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert finished.exists()
    assert not (tmp_path / "output" / "failure").exists()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder that has learned nothing."""
    architectures = pytest.importorskip("benchmarks.architectures")
    import torch

    torch.set_num_threads(1)  # of so small a model, threads that wait for one another take most of the time
    architectures.seed()
    folder = tmp_path_factory.mktemp("base")
    found: Path = architectures.roberta(folder, [text for text, _ in rows(100)], architectures.TINY, ["one"])
    return found


@pytest.mark.slow
def test_an_encoder_is_fine_tuned_and_one_that_was_interrupted_comes_to_the_same(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"recipe": "transformers", "base": str(base), "epochs": "4", "learning_rate": "0.004", "seed": "7"}
    whole = make_model(tmp_path / "whole", rows(240), **given)
    replace = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        found = replace(path, target)
        if target.name == "epoch.pt":
            monkeypatch.undo()
            raise Stopped
        return found

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(Stopped):
        make_model(tmp_path / "twice", rows(240), **given)
    train(tmp_path / "twice" / "ml")
    assert digest(whole) == digest(tmp_path / "twice" / "ml" / "model")
    model = Model.load(whole, threads=1)
    found = model.handler.predict(["ban glad great", "rude broken ban"], {"max_length": 64}).results
    assert [max(scores, key=scores.__getitem__) for scores in found] == ["good", "bad"]
    settings = json.loads((whole / "model.json").read_text())
    assert settings["engine"] == "onnx-sequence-classification"
    assert settings["base"]["revision"].startswith("sha256:")


@pytest.mark.slow
def test_an_encoder_learns_several_labels_each_alone(tmp_path: Path, base: Path) -> None:
    given = {"recipe": "transformers", "base": str(base), "epochs": "5", "learning_rate": "0.004", "batch_size": "8"}

    def several(seed: int) -> list[tuple[str, str]]:
        dice, found = random.Random(seed), []
        for number in range(200):
            labels = [["good"], ["bad"], ["good", "bad"]][number % 3]
            words = [dice.choice(OTHERS), *(word for label in labels for word in dice.sample(WORDS[label], 2))]
            found.append((" ".join(dice.sample(words, len(words))), " __label__".join(labels)))
        return found

    folder = make_model(tmp_path, several(0), task="multi-label", **given)
    asked = several(5)
    found = Model.load(folder, threads=1).handler.predict([text for text, _ in asked], {}).results
    right = [
        {label for label, score in scores.items() if score > 0.5} == set(labels.split(" __label__"))
        for scores, (_, labels) in zip(found, asked, strict=True)
    ]
    assert sum(right) > 0.8 * len(right)  # who gave each text one label would be right two times of three


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "needs the hyperparameter base"),
        ({"base": "./no/folder"}, "there is no folder"),
    ],
)
def test_a_base_that_cannot_be_had_is_told(tmp_path: Path, given: dict[str, str], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        make_model(tmp_path, rows(20), recipe="transformers", **given)
