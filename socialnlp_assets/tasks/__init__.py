"""Tasks: what a model may be asked to do, and how the question and its answer look on the wire.

One module a task, found by being in this folder; client (`resources/endpoints`) and server (`serving`) both use
it. Nothing here imports Dagster, an engine, or any other room.
"""

from importlib import import_module
from pkgutil import iter_modules

from socialnlp_assets.tasks.keywords import Keyword
from socialnlp_assets.tasks.reply_body import BadReply
from socialnlp_assets.tasks.scores import Scores
from socialnlp_assets.tasks.task import BadInput, Parameter, Result, RowError, Task, task, task_names

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)  # a class with a name makes itself known

__all__ = [
    "BadInput",
    "BadReply",
    "Keyword",
    "Parameter",
    "Result",
    "RowError",
    "Scores",
    "Task",
    "task",
    "task_names",
]
