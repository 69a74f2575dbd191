"""Where the columns of the mart come from: read off the SQL that dbt has run, so that nobody writes it down twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Tables = Mapping[str, Mapping[str, str]]  # table → its columns with their types
Lineage = Mapping[str, Sequence[tuple[str, str]]]  # column → the (table, column)s that it derives from


def lineage_of(sql: str, tables: Tables) -> Lineage:
    """What each column that `sql` selects derives from, among `tables`; empty where it only counts."""
    from sqlglot import exp, parse_one
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify

    schema: dict[str, object] = {name: dict(columns) for name, columns in tables.items()}
    query = parse_one(sql, dialect="duckdb")
    for table in query.find_all(exp.Table):  # by their own names: no two are called alike
        table.set("db", None)
        table.set("catalog", None)
    query = qualify(query, schema=schema, dialect="duckdb")
    assert isinstance(query, exp.Query), f"a model of dbt's is a query: {sql}"
    found: dict[str, list[tuple[str, str]]] = {}
    for column in query.named_selects:
        nodes = lineage(column, query, schema=schema, dialect="duckdb").walk()
        leaves = {
            (n.expression.name, n.name.rpartition(".")[2].strip('"'))
            for n in nodes
            if isinstance(n.expression, exp.Table)
        }
        found[column] = sorted(leaves)
    return found
