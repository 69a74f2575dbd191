"""The output in Amazon QuickSight: a data source on Athena, and a data set on the view of a workflow (`athena.py`).

QuickSight takes no arrays, and Athena wants channels and topics named. So the data set is a query, which names the
folders that there are. Lists are joined to text; true and false are 1 and 0, which add up to counts and shares.
"""

from __future__ import annotations

import re
from typing import Any

from socialnlp_assets.resources.lake import Lake

OWNER = re.compile(r"arn:(?P<partition>[\w-]+):quicksight:[\w-]+:(?P<account>\d{12}):(?:user|group)/\S+")
SOURCE = "socialnlp"  # the one data source of all workflows
TABLE = "output"  # what a data set calls its query
TYPES = {
    "string": "STRING",
    "bigint": "INTEGER",
    "boolean": "INTEGER",
    "double": "DECIMAL",
    "timestamp": "DATETIME",
    "date": "DATETIME",
}
OF_SOURCE = (
    *("DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource", "UpdateDataSource"),
    *("UpdateDataSourcePermissions", "DeleteDataSource"),
)
OF_SET = (
    *("DescribeDataSet", "DescribeDataSetPermissions", "PassDataSet", "UpdateDataSet", "UpdateDataSetPermissions"),
    *("DeleteDataSet", "DescribeIngestion", "ListIngestions", "CreateIngestion", "CancelIngestion"),
)
Values = dict[str, list[str]]  # of the folders of the output, by what they are of


def values(lake: Lake, workflow: str) -> Values:
    """The values of `social` and `topic_id` that the output of `workflow` has, as its folders spell them."""
    socials = lake.folders(f"output/{workflow}")
    topics = [topic for social in socials for topic in lake.folders(social)]
    found = {"social": socials, "topic_id": topics}
    return {key: sorted({path.rpartition("=")[2] for path in paths}) for key, paths in found.items()}


def requests(
    view: dict[str, Any], named: Values, days: int, database: str, region: str, owner: str
) -> dict[str, dict[str, Any]]:
    """What to ask QuickSight for, by operation.

    `view` is the ``TableInput`` of the view; the set has the rows of the last `days` in the folders that are `named`;
    `owner` is the ARN of a user or group of QuickSight. Raises ValueError where it is none.
    """
    account = OWNER.fullmatch(owner)
    if account is None:
        example = "arn:aws:quicksight:eu-west-1:123456789012:user/default/anna"
        raise ValueError(f"{owner!r} is no user or group of QuickSight, such as {example}")
    name, columns = view["Name"], view["StorageDescriptor"]["Columns"]
    query = {
        "DataSourceArn": f"arn:{account['partition']}:quicksight:{region}:{account['account']}:datasource/{SOURCE}",
        "Name": name,
        "SqlQuery": select_sql(view, named, days, database),
        "Columns": [{"Name": column["Name"], "Type": _type(column["Type"])} for column in columns],
    }
    meanings = [_meaning(column) for column in columns if "Comment" in column]
    return {
        "CreateDataSource": {
            "AwsAccountId": account["account"],
            "DataSourceId": SOURCE,
            "Name": "Athena, for socialnlp",
            "Type": "ATHENA",
            "DataSourceParameters": {"AthenaParameters": {"WorkGroup": "primary"}},
            "Permissions": _permissions(owner, OF_SOURCE),
        },
        "CreateDataSet": {
            "AwsAccountId": account["account"],
            "DataSetId": f"{SOURCE}-{name}",
            "Name": view["Description"][:128],
            "PhysicalTableMap": {TABLE: {"CustomSql": query}},
            "LogicalTableMap": {
                TABLE: {"Alias": name, "Source": {"PhysicalTableId": TABLE}, "DataTransforms": meanings}
            },
            "ImportMode": "SPICE",
            "Permissions": _permissions(owner, OF_SET),
        },
    }


def select_sql(view: dict[str, Any], named: Values, days: int, database: str) -> str:
    """The query of the data set, in Athena's SQL."""
    columns = ",\n  ".join(f'{_plain(column)} AS "{column["Name"]}"' for column in view["StorageDescriptor"]["Columns"])
    chosen = "".join(f"\n  AND {key} IN ({', '.join(map(_quoted, found))})" for key, found in named.items())
    return f"""\
SELECT
  {columns}
FROM "{database}"."{view["Name"]}"
WHERE date >= current_date - INTERVAL '{days}' DAY{chosen}"""


def _plain(column: dict[str, str]) -> str:
    """A column as QuickSight takes it."""
    name = f'"{column["Name"]}"'
    if column["Type"].startswith("array"):
        return f"array_join({name}, ', ')"
    return f"CAST({name} AS bigint)" if column["Type"] == "boolean" else name


def _type(hive: str) -> str:
    return "STRING" if hive.startswith("array") else TYPES[hive]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _meaning(column: dict[str, str]) -> dict[str, Any]:
    tags: list[dict[str, Any]] = [{"ColumnDescription": {"Text": column["Comment"]}}]
    if column["Name"] == "country":
        tags.append({"ColumnGeographicRole": "COUNTRY"})
    return {"TagColumnOperation": {"ColumnName": column["Name"], "Tags": tags}}


def _permissions(owner: str, actions: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"Principal": owner, "Actions": [f"quicksight:{action}" for action in actions]}]
