"""The four assets of a model, their job, and the job by which somebody decides of a version in the UI.

A data set that fails a check, or a model that the gate stops, goes no further: nothing is half registered. What a step
hands to the next lies in the lake (`shelf.py`), so that each may be run alone.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import dagster as dg

from socialnlp_assets import markdown
from socialnlp_assets.assets.models.evaluate import Evaluation, evaluate
from socialnlp_assets.assets.models.shelf import NothingYet, Shelf, channels
from socialnlp_assets.labels.checks import CHECKS, Finding, findings
from socialnlp_assets.labels.dataset import ASIDE, HELD_BACK, TRAIN, Dataset, make_dataset
from socialnlp_assets.labels.formats import MOST_ROWS, read_labels
from socialnlp_assets.labels.labelled import Labelled, Labels, LabelsError
from socialnlp_assets.models.catalogue import ModelEntry, Training
from socialnlp_assets.resources.endpoints.predictor import preparation
from socialnlp_assets.resources.lake import Lake
from socialnlp_assets.resources.registry.card import card
from socialnlp_assets.resources.registry.registry import SHIPPED, LakeRegistry, approval, store_files
from socialnlp_assets.resources.registry.versions import Made, State
from socialnlp_assets.resources.trainers.trainer import (
    Trained,
    Trainer,
    TrainingFailed,
    code_version,
    job_of,
)

GROUP = "models"
READABLE = "readable"
MOST_CHARACTERS = 120


def build_model(name: str, entry: ModelEntry, is_automatic: bool) -> list[dg.AssetsDefinition]:
    """`labels/<name>`, `trained/<name>`, `evaluation/<name>` and `versions/<name>`."""
    return [
        _labels(name, entry),
        _trained(name, entry),
        _evaluation(name, entry),
        _versions(name, entry, is_automatic),
    ]


def job_name(model: str) -> str:
    return f"train_{model.replace('-', '_')}"


def training_job(name: str) -> Any:
    """From the labels to a version."""
    keys = [dg.AssetKey([step, name]) for step in ("labels", "trained", "evaluation", "versions")]
    return dg.define_asset_job(
        job_name(name),
        selection=dg.AssetSelection.assets(*keys),
        description=f"From the labels of {name} to a version that may go into service.",
    )


class Decision(dg.Config):
    """What somebody has decided of a version, and why: both stay on record."""

    model: str
    version: int
    decision: str  # approve or reject
    who: str
    why: str


@dg.op(required_resource_keys={"registry", "endpoints"})
def decide(context: dg.OpExecutionContext, config: Decision) -> None:
    """Put a version into service from the next hour on, or never."""
    states = {"approve": State.APPROVED, "reject": State.REJECTED}
    if config.decision not in states:
        raise dg.Failure(f"decision: write approve or reject, not {config.decision!r}", allow_retries=False)
    registry: LakeRegistry = context.resources.registry.open()
    state = states[config.decision]
    if state is State.APPROVED and config.version != SHIPPED:
        entry = context.resources.endpoints.catalogue[config.model]
        state = approval(entry, registry.version(config.model, config.version))
    registry.decide(config.model, config.version, state, config.who, config.why)


@dg.job(description="Approve a version of a model, or reject it: 0 is the shipped one. Say who, and why.")
def decide_on_version() -> None:
    decide()


def _labels(name: str, entry: ModelEntry) -> dg.AssetsDefinition:
    key = dg.AssetKey(["labels", name])
    labels = Labels(entry)
    checks = {READABLE: "Every file can be read, and every label is one of the catalogue's.", **CHECKS}

    @dg.asset(
        key=key,
        group_name=GROUP,
        kinds={"labels", "parquet"},
        description=f"All labelled texts of {name} as one data set, named by its content: without duplicates and "
        "personal data, a fifth of it held back for good.",
        required_resource_keys={"lake"},
        check_specs=_specs(key, checks),
        output_required=False,
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        shelf = Shelf(context.resources.lake, name)
        rows, mistakes = read_all(shelf, labels)
        told = "\n".join(mistakes)
        yield dg.AssetCheckResult(passed=not mistakes, check_name=READABLE, description=told or f"{len(rows)} rows")
        if mistakes:
            raise dg.Failure(f"{key.to_user_string()} was not published. {told}", allow_retries=False)
        dataset = make_dataset(rows)
        found = findings(dataset, labels)
        for finding in found:
            yield _result(finding)
        if failed := [each for each in found if not each.passed and not each.is_warning]:
            sentences = " ".join(f"{each.check}: {each.told}." for each in failed)
            raise dg.Failure(f"{key.to_user_string()} was not published. {sentences}", allow_retries=False)
        path = shelf.write_labels(dataset)
        yield dg.Output(None, metadata=_of_dataset(dataset, shelf.lake.address(path), labels))

    return asset


def read_all(shelf: Shelf, labels: Labels) -> tuple[list[Labelled], list[str]]:
    """The rows of all files of a model, and what is wrong with those that cannot be read."""
    rows: list[Labelled] = []
    mistakes: list[str] = []
    files = shelf.incoming()
    for path in files:
        try:
            rows += read_labels(shelf.lake.get(path), path.rpartition("/")[2], labels)
        except LabelsError as error:
            mistakes.append(str(error))
    if not files:
        mistakes.append(f"there are no labels yet: socialnlp labels add FILE --model {shelf.model}")
    if len(rows) > MOST_ROWS:
        mistakes.append(f"there are {len(rows)} rows in all, {MOST_ROWS} at most; take out what teaches nothing new")
    return rows, mistakes


def count_rows(shelf: Shelf, entry: ModelEntry, path: str) -> int:
    """The labelled texts in one file; of one that cannot be read, as many as it takes to look into it."""
    try:
        return len(read_labels(shelf.lake.get(path), path, Labels(entry)))
    except LabelsError:
        return MOST_ROWS


def _result(finding: Finding) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=finding.passed,
        check_name=finding.check,
        description=finding.told,
        severity=dg.AssetCheckSeverity.WARN if finding.is_warning else dg.AssetCheckSeverity.ERROR,
    )


def _specs(key: dg.AssetKey, checks: Mapping[str, str]) -> list[dg.AssetCheckSpec]:
    return [dg.AssetCheckSpec(name, asset=key, description=text, blocking=True) for name, text in checks.items()]


def _of_dataset(dataset: Dataset, address: str, labels: Labels) -> dict[str, Any]:
    training, held_back = dataset.counts(TRAIN), dataset.counts(HELD_BACK)
    counts = [(label, training[label], held_back[label]) for label in labels.all()]
    examples = [(each.text, ", ".join(each.labels) or "-") for each in dataset.of(TRAIN)[:5]]
    return {
        "version": dataset.version,
        "dagster/row_count": len(dataset.examples),
        "dagster/uri": address,
        "rows_in": dataset.rows,
        "duplicates": dataset.duplicates,
        "contradictions": len(dataset.contradictions),
        "put_aside": len(dataset.of(ASIDE)),
        "labels": dg.MetadataValue.md(markdown.table(["label", "to learn from", "held back"], counts, 60)),
        "preview": dg.MetadataValue.md(markdown.table(["text", "labels"], examples, MOST_CHARACTERS)),
    }


def is_up_to_date(shelf: Shelf, entry: ModelEntry) -> bool:
    """Whether training again would give what the last evaluation was of: the same labels, code and recipe."""
    training = entry.training or Training()
    rows, mistakes = read_all(shelf, Labels(entry))
    try:
        made = Made.model_validate(shelf.newest("evaluation")["made"])
    except NothingYet:
        return False
    asked = (training.recipe, training.seed, {key: str(value) for key, value in training.hyperparameters.items()})
    same = asked == (made.recipe, made.seed, dict(made.hyperparameters)) and made.code == code_version()
    return same and not mistakes and made.labels == make_dataset(rows).version


def _trained(name: str, entry: ModelEntry) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["trained", name]),
        deps=[dg.AssetKey(["labels", name])],
        group_name=GROUP,
        kinds={"training", "python"},
        description=f"A model folder of {name}, trained on the newest labels; the same labels, code and seed give the "
        "same one.",
        required_resource_keys={"lake", "trainer"},
    )
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        lake: Lake = context.resources.lake
        trainer: Trainer = context.resources.trainer
        shelf = Shelf(lake, name)
        version = _newest(shelf, "labels")["version"]
        channel = channels(shelf.read_labels(version), entry, preparation(entry))
        job = job_of(name, entry, channel)
        try:
            with trainer.train(job, context.log.info) as trained:
                made = made_of(lake, name, entry, version, trained)
                figures = dict(trained.figures)
        except TrainingFailed as error:
            raise dg.Failure(f"{name} could not be trained: {error}", allow_retries=False) from None
        shelf.put("trained", json.loads(made.model_dump_json()))
        return dg.MaterializeResult(
            metadata={
                "dagster/uri": lake.address(made.folder),
                "labels": version,
                "recipe": made.recipe,
                "hyperparameters": dg.MetadataValue.json(dict(made.hyperparameters)),
                "seed": made.seed,
                "code": made.code,
                "digest": made.digest,
                "bytes": made.size,
                **figures,
            }
        )

    return asset


def made_of(lake: Lake, name: str, entry: ModelEntry, labels: str, trained: Trained) -> Made:
    """What is on record of a trained model, whose files are put into the lake."""
    training = entry.training or Training()
    folder, digest, files, size = store_files(lake, name, trained.folder)
    return Made(
        model=name,
        folder=folder,
        digest=digest,
        files=files,
        size=size,
        source="trained",
        labels=labels,
        rows=int(trained.figures.get("train_texts", 0)),
        code=code_version(),
        recipe=training.recipe,
        hyperparameters={key: str(value) for key, value in training.hyperparameters.items()},
        seed=training.seed,
        archive=trained.archive,
        archive_sha256=trained.archive_sha256,
    )


def _evaluation(name: str, entry: ModelEntry) -> dg.AssetsDefinition:
    key = dg.AssetKey(["evaluation", name])
    gate = dg.AssetCheckSpec(
        "gate", asset=key, blocking=True,
        description="Made of these labels, good enough, well-behaved, and not worse than the version in service.",
    )  # fmt: skip

    @dg.asset(
        key=key,
        deps=[dg.AssetKey(["trained", name])],
        group_name=GROUP,
        kinds={"evaluation", "python"},
        description=f"How good the newest model of {name} is on labels that it has not seen, beside the version in "
        "service on the same texts, and whether it may take its place.",
        required_resource_keys={"lake", "endpoints"},
        check_specs=[gate],
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        shelf = Shelf(context.resources.lake, name)
        made = Made.model_validate(_newest(shelf, "trained"))
        examples = shelf.read_labels(made.labels)
        if not examples:
            raise dg.Failure(f"the labels {made.labels} are gone; materialise labels/{name}", allow_retries=False)
        faithful = is_faithful(shelf, entry, made, channels(examples, entry, preparation(entry)))
        found = evaluate(context.resources.endpoints, shelf, entry, made, examples, faithful)
        record = made.model_copy(update={"figures": found.figures})
        shelf.put("evaluation", {"passed": found.passed, "made": json.loads(record.model_dump_json())})
        yield dg.AssetCheckResult(
            passed=found.passed,
            check_name="gate",
            description=_gate_sentence(found),
            metadata={"rules": dg.MetadataValue.table(*_rules(found))},
        )
        yield dg.Output(None, metadata=_of_evaluation(found))

    return asset


def is_faithful(shelf: Shelf, entry: ModelEntry, made: Made, channel: Mapping[str, bytes]) -> bool:
    """Whether what the training program says that it has read is `channel`."""
    settings = json.loads(shelf.lake.get(f"{made.folder}/model.json"))
    read = settings.get("trained", {}).get("channel", {})
    expected = {target: sha256(channel[f"{target or 'texts'}.txt"]).hexdigest() for target in entry.targets or ("",)}
    return bool(read == expected)


def _gate_sentence(found: Evaluation) -> str:
    failed = [each for each in found.rulings if not each.passed]
    if not failed:
        beside = f"compared with version {found.service}" if found.service else "there was none to compare it with"
        return f"{len(found.rulings)} rules hold; {beside}"
    return " ".join(f"{each.rule}: {each.observed} ({each.bound}); {each.remedy}." for each in failed)


def _rules(found: Evaluation) -> tuple[list[dg.TableRecord], dg.TableSchema]:
    names = ("rule", "passed", "observed", "bound", "remedy")
    rows = [dg.TableRecord({name: str(asdict(each)[name]) for name in names}) for each in found.rulings]
    return rows, dg.TableSchema([dg.TableColumn(name, "string") for name in names])


def _of_evaluation(found: Evaluation) -> dict[str, Any]:
    numbers = {name: value for name, value in found.figures.items() if isinstance(value, int | float)}
    return {
        **numbers,
        "compared_with": found.service or "none in service",
        "figures": dg.MetadataValue.json(dict(found.figures)),
        "page": dg.MetadataValue.md(found.page),
    }


def _versions(name: str, entry: ModelEntry, is_automatic: bool) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["versions", name]),
        deps=[dg.AssetKey(["evaluation", name])],
        group_name=GROUP,
        kinds={"registry", "sagemaker"},
        description=f"The versions of {name}. What has passed the gate is registered"
        + (" and approved." if is_automatic else f", and waits: socialnlp models approve {name} VERSION."),
        required_resource_keys={"lake", "registry"},
    )
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        shelf = Shelf(context.resources.lake, name)
        evaluation = _newest(shelf, "evaluation")
        made = Made.model_validate(evaluation["made"])
        if not evaluation["passed"]:
            raise dg.Failure(f"the gate has stopped it: see evaluation/{name}", allow_retries=False)
        registry: LakeRegistry = context.resources.registry.open()
        version = registry.register(made, "training", f"passed the gate, run {context.run.run_id[:8]}")
        if is_automatic and version.state is State.PENDING:
            registry.decide(name, version.number, approval(entry, version), "policy", "passed the gate")
        version = registry.version(name, version.number)
        return dg.MaterializeResult(
            metadata={
                "version": version.number,
                "state": version.state.value,
                "digest": made.digest,
                "macro_f1": float(made.figures.get("macro_f1", 0)),
                "card": dg.MetadataValue.md(card(version, entry.description)),
                "versions": dg.MetadataValue.md(_versions_table(registry, name)),
            }
        )

    return asset


def _versions_table(registry: LakeRegistry, name: str) -> str:
    rows = [
        (each.number, each.state, f"{each.at:%Y-%m-%d %H:%M}", each.who, each.why, each.made.figures.get("macro_f1"))
        for each in registry.history(name).versions().values()
    ]
    return markdown.table(["version", "state", "since", "who", "why", "macro F1"], rows[::-1], MOST_CHARACTERS)


def _newest(shelf: Shelf, asset: str) -> dict[str, Any]:
    try:
        return shelf.newest(asset)
    except NothingYet as error:
        raise dg.Failure(str(error), allow_retries=False) from None
