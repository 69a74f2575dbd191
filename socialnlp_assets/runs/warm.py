"""A process that has imported what runs need, and makes a copy of itself for each run: `python -m …warm [MODULE…]`.

Importing Dagster, pandas, Great Expectations and a code location takes four seconds and more of a processor, which
would be most of a small hour. A copy (`fork`) has it all, and yet a run has a process of its own: it can be ended, it
may die, and nothing that it leaves in memory reaches the next run.

Reads from standard input one line a run, the arguments of `dagster` as JSON: `["api", "execute_run", …]`. Says "ready"
whenever it can take one. Ends when its input does, which is when the process that started it has ended.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

# What takes longest to import; the code location itself is named by who starts us.
LIBRARIES = ("dagster._cli.api", "socialnlp_assets.runs.storage", "pandas", "great_expectations")


def main(modules: list[str]) -> None:
    """Load what runs need, say "ready", and answer requests."""
    load(modules)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for those that wait at the terminal
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a copy that has ended leaves no zombie
    print("ready", flush=True)
    for line in sys.stdin:
        if not os.fork():
            _run(json.loads(line))
        print("ready", flush=True)


def load(modules: Sequence[str]) -> None:
    """Have in memory what copies of this process will need. A module that cannot be imported is left to the runs, whose
    logs then say why."""
    for module in (*LIBRARIES, *modules):
        try:
            import_module(module)
        except Exception as error:
            print(f"{module} cannot be imported: {error}", file=sys.stderr)
    _read_texts()
    gc.freeze()  # so that collecting garbage in a copy does not copy every page of memory


def _read_texts() -> None:
    """Read what nearly all hours read when they are first asked: the language detector, the lemmatiser's dictionary,
    word lists and vectors, the libraries that find articles. A copy that read them itself took three seconds a run."""
    from socialnlp_assets.checks.scores import tone
    from socialnlp_assets.checks.texts import in_english
    from socialnlp_assets.nlp.cleaning import prepare_for_classification
    from socialnlp_assets.nlp.language import detect
    from socialnlp_assets.nlp.noise import normalise
    from socialnlp_assets.resources.articles.reader import warm

    text = "the bills of several customers were wrong again"
    detect(text)
    prepare_for_classification(text)
    normalise([text])
    in_english(text)
    tone(text)
    warm()


def _prepare_reader() -> None:
    """Copy this process once more for the articles of the run, while it has no threads: an interpreter of its own took
    two seconds a run."""
    from socialnlp_assets.resources.articles.articles import READER

    READER.prepare()


def _run(arguments: list[str]) -> None:
    """Be the program `dagster ARGUMENT…`; never returns."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # what the run prints is no answer to who asked for it
    code = 1
    try:
        _prepare_reader()
        sys.argv = ["dagster", *arguments]
        runpy.run_module("dagster", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the loop above is not ours to go on with


if __name__ == "__main__":
    main(sys.argv[1:])
