"""Expectations of ours, registered with Great Expectations: what an hour's texts and scores must mean.

A class says what is expected and names its metric; the metric is a pure function of a row (`texts.py`, `rows.py`) or of
an hour (`kept.py`, `scores.py`). Importing this imports Great Expectations.
"""

from socialnlp_assets.checks.custom import hours, rows

OURS = tuple(
    kind
    for module in (rows, hours)
    for name, kind in vars(module).items()
    if name.startswith("Expect") and kind.__module__ == module.__name__
)
