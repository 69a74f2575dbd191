"""The data mart: a star schema over the output of all workflows, in DuckDB, for people who ask questions.

`project/` is the dbt project: a model a table, in SQL. `stage.py` brings the hours of the output that have changed,
`build.py` has dbt add them, `asset.py` makes assets of the models and checks of their tests.
"""
