"""What is wrong is said in a sentence that tells what to do, with an exit that is not zero."""

from __future__ import annotations

import pytest

from socialnlp_assets.cli import COMMANDS
from tests.cli.conftest import Installation


@pytest.mark.parametrize(
    ("variables", "arguments", "sentence"),
    [
        ({"SOCIALNLP_PROFILE": "azure"}, "endpoints list", "SOCIALNLP_PROFILE=azure: must be 'embedded' or 'aws'"),
        ({"SOCIALNLP_START": "yesterday"}, "quarantine list", "SOCIALNLP_START=yesterday: must be a valid datetime"),
        ({"SOCIALNLP_START": "2026-01-01T00:30"}, "workflows list", "must be a whole hour, such as 2026-01-01T00:00"),
        ({"SOCIALNLP_WARM_SECOND": "5"}, "endpoints list", "did you mean SOCIALNLP_WARM_SECONDS?"),
        ({"SOCIALNLP_WORKFLOWS": "/nowhere"}, "workflows check", "/nowhere: no such folder; make it or unset"),
        ({"SOCIALNLP_STATE": "/dev/null/x"}, "endpoints list", "SOCIALNLP_STATE"),
        ({"SOCIALNLP_STATE": "/dev/null/x"}, "predict sentiment", "SOCIALNLP_STATE"),
        (
            {"SOCIALNLP_LAKE": "/dev/null/x"},
            "quarantine list",
            "SOCIALNLP_LAKE=/dev/null/x: /dev/null is no folder; name a",
        ),
        ({"SOCIALNLP_LEASES": "."}, "endpoints list", "the lease store . cannot be used"),
        ({"SOCIALNLP_LEASES": __file__}, "endpoints list", "file is not a database"),
        ({"SOCIALNLP_LEASE_SECONDS": "nan"}, "endpoints list", "SOCIALNLP_LEASE_SECONDS=nan: must be a finite number"),
        ({"SOCIALNLP_LEASE_SECONDS": "0"}, "endpoints list", "SOCIALNLP_LEASE_SECONDS=0: must be greater than 0"),
        ({"SOCIALNLP_LEASE_SECONDS": "1e30"}, "endpoints list", "must be less than or equal to 31622400"),
        ({"SOCIALNLP_WARM_SECONDS": "inf"}, "endpoints reap", "SOCIALNLP_WARM_SECONDS=inf: must be"),
        ({"SOCIALNLP_RAW_RETENTION_DAYS": "99999999"}, "endpoints list", "must be less than or equal to 36500"),
        ({"SOCIALNLP_SOURCES": "/nowhere"}, "workflows check", "correct or unset SOCIALNLP_SOURCES"),
        (
            {},
            "quarantine list --workflow ../../etc",
            "no workflow can be called '../../etc'",
        ),
        ({"DAGSTER_HOME": "/dev/null/x"}, "ui --port 65000", "DAGSTER_HOME"),
        ({}, "predict nonsuch", "no model is called 'nonsuch'; the catalogue has"),
        ({}, "predict sentiment --target prezzi", "sentiment has no target 'prezzi'"),
        ({}, "predict sentiment --language it", "--language is for the translator"),
        ({}, "predict sentiment missing.txt", "missing.txt"),
        ({}, "extract missing.html", "missing.html: No such file or directory; give a saved page or a URL"),
        ({}, "models package nonsuch", "no model is called 'nonsuch'"),
        ({}, "workflows table nowhere", "no workflow is called 'nowhere'; choose one of"),
        ({}, "quarantine replay nowhere", "no workflow is called 'nowhere'; choose one of"),
        ({}, "endpoints stop sentiment", "no endpoint of 'sentiment' exists"),
        ({}, "demo --hours 9", "9 is not in the range"),
        ({}, "nonsuch", "No such command 'nonsuch'"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    socialnlp: Installation,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    variables: dict[str, str],
    arguments: str,
    sentence: str,
) -> None:
    assert socialnlp.here(monkeypatch, *arguments.split(), **variables) in (1, 2)
    told = capfd.readouterr().err
    assert told.startswith("socialnlp: ")
    assert sentence in told


def test_the_script_ends_with_a_sentence_and_an_exit_code(socialnlp: Installation) -> None:
    outcome = socialnlp("predict", "nonsuch")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("socialnlp: no model is called 'nonsuch'")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["endpoints list", "quarantine list"])
def test_aws_without_credentials_says_so(
    socialnlp: Installation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: str
) -> None:
    files = dict.fromkeys(["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"], "/dev/null")
    variables = {"SOCIALNLP_PROFILE": "aws", "SOCIALNLP_LAKE": "s3://nobody/lake", "AWS_EC2_METADATA_DISABLED": "true"}
    assert socialnlp.here(monkeypatch, *arguments.split(), **variables, **files) == 1
    told = capfd.readouterr().err
    assert "AWS credentials" in told
    assert len(told.splitlines()) == 1


def test_help_names_every_command_and_imports_none(socialnlp: Installation) -> None:
    outcome = socialnlp("--help")
    assert outcome.returncode == 0
    assert all(f"  {name} " in outcome.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_help_of_a_command_loads_no_heavy_library(socialnlp: Installation, command: str) -> None:
    outcome = socialnlp(command, "--help", PYTHONPROFILEIMPORTTIME="1")
    assert outcome.returncode == 0
    assert outcome.stdout.startswith(f"Usage: socialnlp {command}")
    imported = {line.rpartition("|")[2].strip() for line in outcome.stderr.splitlines()}
    assert not imported & {"dagster", "pandas", "pyarrow", "boto3", "great_expectations", "spacy", "torch"}
