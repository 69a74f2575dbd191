"""Secrets from the environment and from AWS Secrets Manager, as moto's server speaks it over HTTP."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from socialnlp_assets.resources.secrets import (
    AwsSecrets,
    EnvironmentSecrets,
    SecretError,
    SecretMissing,
    Secrets,
    SecretStr,
    build_secrets,
)
from socialnlp_assets.settings import Profile, Settings


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["environment", "aws"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Secrets:
    if request.param == "environment":
        return EnvironmentSecrets(state=str(tmp_path))
    url = request.getfixturevalue("aws")
    return build_secrets(Settings(profile=Profile.AWS, aws_endpoint_url=url, state=tmp_path))


def test_what_is_put_is_got(store: Secrets) -> None:
    store.put("sprinklr_tokens", SecretStr("first"))
    store.put("sprinklr_tokens", SecretStr("second"))
    assert store.get("sprinklr_tokens").get_secret_value() == "second"


def test_a_missing_secret_says_how_to_set_it(store: Secrets) -> None:
    with pytest.raises(SecretMissing, match=r"'(socialnlp/)?google_translate' .*(export|create-secret)"):
        store.get("google_translate")


def test_a_key_is_made_once(store: Secrets) -> None:
    made = store.get_or_create("author_key").get_secret_value()
    assert len(bytes.fromhex(made)) == 32
    assert store.get_or_create("author_key").get_secret_value() == made


def test_all_who_ask_at_once_get_one_key(tmp_path: Path) -> None:
    stores = [EnvironmentSecrets(state=str(tmp_path)) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        made = pool.map(lambda store: store.get_or_create("author_key").get_secret_value(), stores)
    assert len(set(made)) == 1


def test_a_secret_does_not_show_itself(store: Secrets) -> None:
    store.put("author_key", SecretStr("do not show me"))
    assert "do not show me" not in f"{store.get('author_key')} {store.get('author_key')!r} {store!r}"


def test_the_environments_value_counts_until_it_is_rotated_and_again_when_it_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EnvironmentSecrets(state=str(tmp_path))
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_TOKENS", "given")
    assert store.get("sprinklr_tokens").get_secret_value() == "given"
    store.put("sprinklr_tokens", SecretStr("rotated"))
    assert store.get("sprinklr_tokens").get_secret_value() == "rotated"
    monkeypatch.setenv("SOCIALNLP_SECRET_SPRINKLR_TOKENS", "given anew")
    assert store.get("sprinklr_tokens").get_secret_value() == "given anew"


def test_what_is_kept_is_for_its_owner_only(tmp_path: Path) -> None:
    EnvironmentSecrets(state=str(tmp_path / "state")).put("author_key", SecretStr("value"))
    kept = tmp_path / "state" / "secrets.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text('{"author_key": {"value": "half')
    with pytest.raises(SecretError, match="remove it and set the secrets again") as raised:
        EnvironmentSecrets(state=str(tmp_path)).get("author_key")
    assert "half" not in str(raised.value)


def test_binary_secrets_of_aws_are_read(aws: str) -> None:
    store = AwsSecrets(region="eu-west-1", endpoint_url=aws)
    boto3.client("secretsmanager", region_name="eu-west-1", endpoint_url=aws).create_secret(
        Name="socialnlp/google_translate", SecretBinary=b"as bytes"
    )
    assert store.get("google_translate").get_secret_value() == "as bytes"
