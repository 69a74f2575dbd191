"""What the use of endpoints came to, and what it cost."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

from socialnlp_assets.cli.costs import cost_of, used
from socialnlp_assets.models.catalogue import CatalogueError, EndpointShape, load_catalogue
from socialnlp_assets.resources.build import build_endpoints
from socialnlp_assets.resources.endpoints.backend import EndpointSpec
from socialnlp_assets.resources.endpoints.metering import Meter, Price, Usage, load_prices, usage_table
from socialnlp_assets.safe_yaml import read_yaml
from socialnlp_assets.settings import Profile, Settings
from socialnlp_assets.workflow import read_workflow


def realtime(instance_type: str, instances: int = 1) -> EndpointSpec:
    return EndpointSpec("sentiment", "realtime", {"instance_type": instance_type, "instances": [instances, 4]})


def test_an_hour_of_a_real_time_endpoint_costs_what_its_instances_cost() -> None:
    meter = Meter("sentiment", "run", load_prices().price(realtime("ml.m5.xlarge", instances=2)))
    meter.held(3600)
    assert meter.usage.endpoint_seconds == 3600
    assert meter.usage.cost_usd == pytest.approx(2 * 0.257)


def test_holders_share_the_cost_of_the_time_they_held_together() -> None:
    meter = Meter("sentiment", "run", Price(endpoint_second=0.01))
    meter.held(60, holders=1)
    meter.held(60, holders=3)
    assert meter.usage.endpoint_seconds == pytest.approx(80)
    assert meter.usage.cost_usd == pytest.approx(0.8)


def test_a_serverless_endpoint_costs_by_memory_time_and_data_and_nothing_while_idle() -> None:
    spec = EndpointSpec("keywords", "serverless", {"memory_mb": 3072, "max_concurrency": 5})
    meter = Meter("keywords", "run", load_prices().price(spec))
    meter.held(3600)
    assert meter.usage.cost_usd == 0
    meter.request(rows=32, sent=500_000_000, received=500_000_000, seconds=1000)
    assert meter.usage.cost_usd == pytest.approx(1000 * 3 * 0.00002 + 0.016)


def test_a_local_process_costs_nothing() -> None:
    assert load_prices().price(EndpointSpec("keywords", "process")) == Price()


def test_the_shipped_table_is_dated_and_has_every_instance_of_the_catalogue() -> None:
    prices = load_prices()
    assert prices.date.year >= 2023
    types = {entry.aws.endpoint.instance_type for entry in load_catalogue().root.values()}
    assert types - {""} <= set(prices.instance_hour)


def test_another_table_takes_its_place(tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text(
        "{date: 2026-11-01, region: eu-south-1, source: contract, instance_hour: {ml.m5.xlarge: 36},"
        " serverless_gb_second: 0, serverless_data_gb: 0}"
    )
    assert load_prices(table).price(realtime("ml.m5.xlarge")).endpoint_second == pytest.approx(0.01)
    table.with_name("wrong.yaml").write_text("{date: 2026-11-01, instance_hours: {}}")
    settings = Settings(prices=table, state=tmp_path)
    assert build_endpoints(settings).price_table.region == "eu-south-1"
    with pytest.raises(ValidationError, match="instance_hours"):
        load_prices(table.with_name("wrong.yaml"))


def test_an_instance_without_a_price_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert load_prices().price(realtime("ml.p99.large")).endpoint_second == 0
    assert "lacks ml.p99.large" in caplog.text


def test_a_record_holds_plain_values_and_is_read_back() -> None:
    record = Usage("sentiment", "run", texts=3, rows=2, cost_usd=0.123456789).as_record()
    assert Usage.of_record(json.loads(json.dumps(record))) == Usage(
        "sentiment", "run", texts=3, rows=2, cost_usd=0.123457
    )


def test_usages_of_one_model_add_up() -> None:
    total = Usage("sentiment", "a", rows=2, cost_usd=0.5) + Usage("sentiment", "b", rows=3, cost_usd=0.25)
    assert (total.holder, total.rows, total.cost_usd) == ("all", 5, 0.75)
    with pytest.raises(ValueError, match="cannot add the use of keywords"):
        total + Usage("keywords", "a")


def test_the_table_has_a_line_a_model_and_the_cost_of_all() -> None:
    usages = [
        Usage("translator", "translations", rows=7, cost_usd=1.5),
        Usage("sentiment", "sentiments", cost_usd=0.25),
        Usage("translator", "backfill", rows=4, cost_usd=0.5),
    ]
    console = Console(width=80)
    with console.capture() as printed:
        console.print(usage_table(usages))
    lines = {line.split()[0]: line.split() for line in printed.get().splitlines() if line.strip()}
    assert lines["translator"][2] == "11"
    assert lines["translator"][-1] == "2.0000"
    assert lines["sentiment"][-1] == "0.2500"
    assert lines["estimated"][-1] == "2.2500"


def test_an_hour_and_a_month_are_estimated_for_a_volume() -> None:
    catalogue, prices = load_catalogue(), load_prices()
    translator = cost_of("translator", catalogue["translator"], 600, 500, prices)
    assert translator.seconds == 100
    assert translator.hour == pytest.approx(600 / 3600 * 0.257)
    assert translator.month == pytest.approx(730 * translator.hour)
    busy = cost_of("translator", catalogue["translator"], 6 * 7200, 500, prices)  # more than one machine can do
    assert (busy.machine, busy.hour) == ("2 × ml.m5.xlarge", pytest.approx(2 * 0.257))
    themes = cost_of("themes", catalogue["themes"], 1000, 500, prices)
    assert themes.hour == pytest.approx(10 * 2 * 0.00002 + 1000 * 1500 / 1e9 * 0.016)
    assert cost_of("themes", catalogue["themes"], 0, 500, prices).hour == 0
    shape = EndpointShape(kind="realtime", instance_type="ml.new.large")
    aws = catalogue["themes"].aws.model_copy(update={"endpoint": shape})
    assert not cost_of("themes", catalogue["themes"].model_copy(update={"aws": aws}), 10, 500, prices).is_priced


@pytest.mark.parametrize(
    ("shapes", "models", "told"),
    [
        ({}, ["entities"], {"3072 ours,theirs", "6144 mine"}),  # which is on the endpoint of keywords
        ({"keywords": "serverless:4096"}, ["keywords"], {"4096 mine,ours,theirs"}),
        ({}, ["themes"], {"2048 "}),
        ({}, [], {"3072 ours,theirs", "6144 mine"}),
    ],
)
def test_a_workflow_with_a_shape_of_its_own_pays_an_endpoint_of_its_own(
    shapes: dict[str, str], models: list[str], told: set[str]
) -> None:
    text = "name: {}\ndescription: Phrases.\nsource: {{kind: dropped, languages: [en]}}\nsteps: {{keywords: }}\n"
    workflows = []
    for name in ("mine", "ours", "theirs"):
        data, node = read_yaml(
            text.format(name) + ("endpoints: {keywords: serverless:6144}\n" if name == "mine" else "")
        )
        workflows.append(read_workflow(data, node, Path(f"{name}.yaml")))
    found = used(load_catalogue(), workflows, shapes, models)
    assert {f"{each.entry.aws.endpoint.memory_mb} {','.join(each.workflows)}" for each in found} == told


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("ml.c6i.xlarge", EndpointShape(kind="realtime", instance_type="ml.c6i.xlarge")),
        (
            "ml.c6i.xlarge*2",
            EndpointShape(kind="realtime", instance_type="ml.c6i.xlarge", min_instances=2, max_instances=2),
        ),
        (
            "ml.c6i.xlarge*2-4",
            EndpointShape(kind="realtime", instance_type="ml.c6i.xlarge", min_instances=2, max_instances=4),
        ),
        ("serverless:4096*9", EndpointShape(kind="serverless", memory_mb=4096, max_concurrency=9)),
    ],
)
def test_the_environment_gives_an_endpoint_another_shape(text: str, shape: EndpointShape) -> None:
    settings = Settings(profile=Profile.AWS, lake="s3://bucket/lake", endpoint_shapes=f"entities={text}, emotion=ml.x")
    catalogue = build_endpoints(settings).catalogue
    assert catalogue["keywords"].aws.endpoint == shape  # on whose endpoint entities is
    assert catalogue["emotion"].aws.endpoint.instance_type == "ml.x"
    assert catalogue["themes"] == load_catalogue()["themes"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"themes": "large"}, "themes: 'large': write ml.c6i.xlarge"),
        ({"themes": "serverless:5000"}, "themes: .*memory_mb is one of"),
        ({"nothing": "ml.x"}, "no model is called 'nothing'"),
    ],
)
def test_a_shape_that_is_none_is_told(given: dict[str, str], told: str) -> None:
    with pytest.raises(CatalogueError, match=f"SOCIALNLP_ENDPOINT_SHAPES: .*{told}"):
        load_catalogue().shaped(given)
