"""A catalogue of one's own beside the built-in one, and what is told of mistakes in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from socialnlp_assets.cli.models import models
from socialnlp_assets.models.catalogue import CatalogueError, load_catalogue
from socialnlp_assets.models.folders import FolderMissing, model_folder

KEYWORDS = {"name": "phrases", "task": "keywords", "engine": "spacy-textrank"}


def catalogue(folder: Path, text: str, settings: dict[str, Any] = KEYWORDS) -> Path:
    """A folder with one catalogue file and one model folder beside it, `phrases`."""
    (folder / "phrases").mkdir(parents=True)
    (folder / "phrases" / "model.json").write_text(json.dumps(settings))
    (folder / "ours.yaml").write_text(text)
    return folder


PHRASES = """\
phrases:
  description: Key phrases, our way.
  task: keywords
  embedded: {model: phrases}
"""


def test_a_model_is_added_beside_the_built_in_ones(tmp_path: Path) -> None:
    known = load_catalogue(catalogue(tmp_path, PHRASES))
    assert known.names() == [*load_catalogue().names(), "phrases"]
    assert known["phrases"].embedded.path == tmp_path / "phrases"
    assert known["phrases"].aws.endpoint.kind == "serverless"


def test_a_model_takes_the_place_of_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    known = load_catalogue(catalogue(tmp_path, PHRASES.replace("phrases:", "keywords:", 1)))
    assert known.names() == load_catalogue().names()
    assert known["keywords"].description == "Key phrases, our way."


def test_what_shared_the_endpoint_of_a_model_that_is_replaced_has_its_own(tmp_path: Path) -> None:
    known = load_catalogue(catalogue(tmp_path, PHRASES.replace("phrases:", "keywords:", 1)))
    assert load_catalogue().endpoint_of("entities") == "keywords"
    assert known.endpoint_of("entities") == "entities"
    assert known["entities"].embedded == load_catalogue()["entities"].embedded


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PHRASES.replace("task: keywords", "task: kewords"), "ours.yaml:3: phrases.task: no task is called 'kewords'"),
        (PHRASES.replace("task:", "tsk:"), "ours.yaml:3: phrases.tsk: there is no such field; did you mean `task`?"),
        (PHRASES.replace("  task: keywords\n", ""), "ours.yaml:1: phrases.task: is missing; add `task:`"),
        (PHRASES.replace("{model:", "{folder:"), "ours.yaml:4: phrases.embedded.folder: there is no such field; known"),
        (PHRASES.replace("phrases:", "Our phrases:", 1), "ours.yaml:1: Our phrases: 'Our phrases' does not fit; write"),
        (PHRASES + "  task: keywords\n", "ours.yaml:5: phrases.task: is there twice; leave one of them"),
        ("- phrases\n", "ours.yaml:1: catalogue: a catalogue is a mapping of models by name"),
        ("phrases: [\n", "ours.yaml:2: not YAML: "),
        (
            PHRASES + "  aws: {endpoint: {kind: serverless, memory_mb: 1500, max_concurrency: 5}}\n",
            "ours.yaml:5: phrases.aws.endpoint: memory_mb is one of 1024, 2048",
        ),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CatalogueError) as raised:
        load_catalogue(catalogue(tmp_path, text))
    assert told in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path))


def test_two_files_do_not_define_one_model(tmp_path: Path) -> None:
    catalogue(tmp_path, PHRASES)
    (tmp_path / "theirs.yaml").write_text("\n" + PHRASES)
    with pytest.raises(CatalogueError, match=r"theirs\.yaml:2: phrases: is in .*ours\.yaml too; leave one of them"):
        load_catalogue(tmp_path)


def check(folder: Path) -> str:
    return CliRunner().invoke(models, ["check", str(folder)]).output


def test_models_that_fit_are_named(tmp_path: Path) -> None:
    assert check(catalogue(tmp_path, PHRASES)) == "1 model fit: phrases\n"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (KEYWORDS | {"task": "summarization"}, "ours.yaml:3: phrases.task: "),
        (KEYWORDS | {"engine": "spacy"}, "ours.yaml:4: phrases.embedded.model: no engine is called 'spacy'"),
        (KEYWORDS | {"engine": "nowhere:Engine"}, "to run code of your own, set SOCIALNLP_ENGINES=nowhere:Engine"),
        (KEYWORDS | {"task": "cooking"}, "ours.yaml:4: phrases.embedded.model: "),
    ],
)
def test_a_model_folder_that_does_not_fit_its_entry_is_told(
    tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    assert told in check(catalogue(tmp_path, PHRASES, settings))


def test_a_model_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    shown = check(catalogue(tmp_path, PHRASES.replace("{model: phrases}", "{model: elsewhere}")))
    assert f"ours.yaml:4: phrases.embedded.model: {tmp_path / 'elsewhere'}: there is no such model folder" in shown


def test_a_folder_may_be_named_by_a_file_uri(tmp_path: Path) -> None:
    text = PHRASES.replace("{model: phrases}", f"{{model: '{(tmp_path / 'phrases').as_uri()}'}}")
    assert check(catalogue(tmp_path, text)) == "1 model fit: phrases\n"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.slow
def test_a_folder_on_s3_is_fetched_by_its_content(tmp_path: Path, s3: str) -> None:
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=s3)
    client.create_bucket(Bucket="models")

    def put(**files: str) -> None:
        for name, content in files.items():
            client.put_object(Bucket="models", Key=f"nlp/phrases/{name}", Body=content.encode())

    def fetch() -> Path:
        model_folder.cache_clear()  # as another process
        return model_folder("s3://models/nlp/phrases", tmp_path, "us-east-1", s3)

    put(**{"model.json": "{}", "part/words.txt": "one"})
    first = fetch()
    assert (first / "part" / "words.txt").read_text() == "one"
    assert fetch() == first
    put(**{"part/words.txt": "two"})
    second = fetch()
    assert second != first
    assert (second / "part" / "words.txt").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.name, second.name])
    put(**{"../outside.txt": "three"})
    with pytest.raises(FolderMissing, match="lies outside its folder"):
        fetch()
    with pytest.raises(FolderMissing, match="s3://models/nlp/none/: there is no such model folder"):
        model_folder("s3://models/nlp/none", tmp_path, "us-east-1", s3)
