"""Dagster's UI on an installation whose lake is on S3: moto's server."""

from __future__ import annotations

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from socialnlp_assets.partitions import key_of
from socialnlp_assets.resources.lake import Lake
from tests.browser.browser import browser
from tests.browser.installation import NOW, listening


@pytest.mark.slow
def test_a_file_that_is_dropped_into_s3_runs_its_hour_once_the_sensor_is_switched_on(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    urllib3.request("POST", f"{address}/moto-api/reset")  # moto's servers of one process share their state
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "testing")
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="lake")
    variables = {"SOCIALNLP_LAKE": "s3://lake/platform", "SOCIALNLP_AWS_ENDPOINT_URL": address, **keys}
    folder = tmp_path_factory.mktemp("installation")
    with browser(tmp_path_factory.mktemp("profile")) as page, listening(folder, page, **variables) as socialnlp:
        socialnlp.ui.switch("press_landing", on=False)
        socialnlp.land_posts(NOW)
        socialnlp.ui.switch("press_landing", on=True)
        socialnlp.ui.open_newest_run("press")
        page.wait_for_text(key_of(NOW), "Success")
        assert socialnlp.lake.read_table(Lake.table_path("press", "posts", NOW)).num_rows == 20
    server.stop()
