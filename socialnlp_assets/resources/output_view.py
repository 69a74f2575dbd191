"""How the output is read: a view that shows the generation in force of each hour, as DuckDB and Athena both read it.

It stands on two tables, `<workflow>_files` and `<workflow>_generations`: in DuckDB Parquet files by a glob, in Athena
tables of Glue's (`resources/athena.py`). Both spell `date` as a date and `hour` as two digits.
"""

from __future__ import annotations

from socialnlp_assets.resources.lake import Lake


def select_sql(workflow: str) -> str:
    """The rows of the generations in force, in plain SQL."""
    return f"""\
SELECT * FROM {workflow}_files AS file
WHERE EXISTS (
  SELECT 1 FROM {workflow}_generations AS known
  WHERE known.in_force AND known.generation = file.generation AND known.date = file.date AND known.hour = file.hour
)"""


def duckdb_sql(lake: Lake, workflow: str) -> str:
    """What makes the view `<workflow>` in DuckDB, of the lake as it lies."""
    files, ledgers = (lake.address(path).replace("'", "''") for path in (f"output/{workflow}", f"{workflow}/output"))
    return f"""\
CREATE OR REPLACE VIEW {workflow}_files AS FROM read_parquet(
  '{files}/**/*.parquet', union_by_name=true,
  hive_types={{social: VARCHAR, topic_id: VARCHAR, date: DATE, hour: VARCHAR}}
);
CREATE OR REPLACE VIEW {workflow}_generations AS FROM read_parquet(
  '{ledgers}/**/*.parquet', hive_types={{date: DATE, hour: VARCHAR}}
);
CREATE OR REPLACE VIEW {workflow} AS
{select_sql(workflow)};"""
