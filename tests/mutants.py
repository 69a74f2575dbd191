"""Changes the code a little, many times over, and counts how often a test notices: `python -m tests.mutants`.

mutmut makes the mutants and runs, for each, the tests that come by its function. A room of the code has its folder
below `build/mutants`, and with it its tests (`[tool.mutants.rooms]` in `pyproject.toml`). Nothing outside is written.
What was killed stays killed: a second call goes on where the first was ended, and asks the survivors again.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tomllib
from contextlib import chdir
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).parent.parent
PACKAGE = "socialnlp_assets"
TABLE = "[tool.mutmut]\n"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
SPARED = SETTINGS["mutmut"]["do_not_mutate"]
# A mutant that runs for ever, or that brings the interpreter down, has been noticed too.
KILLED = {"killed", "timeout", "segfault"}
UNKNOWN = "not checked"
# What runs mutmut, which takes every process that ends for one of its own; tests start some, too.
RUNS = """
from mutmut.workers.isolation import ForkRunner
wait = ForkRunner.wait_for_result
def wait_for_own(runner, timeout=None):
    while True:
        try:
            return wait(runner, timeout)
        except KeyError:
            pass
ForkRunner.wait_for_result = wait_for_own
from mutmut.__main__ import cli
cli()
"""


@dataclass(frozen=True)
class Room:
    """A folder of the code, and the tests that are asked about it."""

    name: str
    tests: list[str]

    @property
    def folder(self) -> Path:
        return ROOT / "build" / "mutants" / self.name

    def lay_out(self) -> None:
        """Makes the folder in which mutmut works: links to the code, for mutmut copies what it changes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in ROOT.iterdir():
            link = self.folder / path.name
            if path.name not in {"build", "pyproject.toml"} and path.name[0] != "." and not link.exists():
                link.symlink_to(path)
        own = f"only_mutate = ['{PACKAGE}/{self.name}/*']\npytest_add_cli_args_test_selection = {self.tests}\n"
        settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8").replace(TABLE, TABLE + own)
        (self.folder / "pyproject.toml").write_text(settings, encoding="utf-8")
        # The tests as they are now: where one has changed, mutmut finds out anew which come by which function.
        shutil.rmtree(self.folder / "mutants" / "tests", ignore_errors=True)
        known = self.folder / "mutants" / "mutmut-stats.json"
        newest = max(file.stat().st_mtime for file in (ROOT / "tests").rglob("*.py"))
        if known.exists() and known.stat().st_mtime < newest:
            known.unlink()

    def mutants(self, sample: int | None) -> dict[str, Path]:
        """The mutants of the room, each with its file; of many, `sample` drawn with the room's name as seed."""
        found: dict[str, Path] = {}
        for file in sorted((ROOT / PACKAGE / self.name).rglob("*.py")):
            path = file.relative_to(ROOT)
            if any(fnmatch(str(path), pattern) for pattern in SPARED):
                continue
            made = mutate_file_contents(str(path), file.read_text(encoding="utf-8")).mutant_names
            found |= {get_mutant_name(path, name).replace("__init__.", ""): path for name in made}
        names = list(found)
        if sample is not None and sample < len(names):
            names = random.Random(self.name).sample(names, sample)
        return {name: found[name] for name in names}

    def status(self, mutant: str, path: Path) -> str:
        """What became of a mutant, in mutmut's words."""
        record = self.folder / "mutants" / f"{path}.meta"
        codes = json.loads(record.read_text(encoding="utf-8"))["exit_code_by_key"] if record.exists() else {}
        return status_by_exit_code[codes.get(mutant)]

    def run(self, mutants: dict[str, Path]) -> None:
        """Asks the tests about those that none has killed.

        Raises:
            RuntimeError: when the tests fail without a mutant, or mutmut does.
        """
        log = self.folder / "log"
        left = [mutant for mutant, path in mutants.items() if self.status(mutant, path) not in KILLED]
        for _ in range(2):  # changed code or other tests undo what was known: mutmut tells by asking no more about it
            if not left:
                return
            with log.open("w") as out:
                command = [sys.executable, "-c", RUNS, "run", *left]
                outcome = subprocess.run(command, cwd=self.folder, stdout=out, stderr=out, check=False)
            if outcome.returncode:
                raise RuntimeError(f"mutmut did not get through {self.name}; {log} says why, mostly in its last lines")
            left = [mutant for mutant, path in mutants.items() if self.status(mutant, path) == UNKNOWN]

    def report(self, mutants: dict[str, Path]) -> tuple[int, int]:
        """Writes what survived into `survivors.diff`, prints the room's line, and returns killed and all."""
        alive = {
            mutant: status for mutant, path in mutants.items() if (status := self.status(mutant, path)) not in KILLED
        }
        with chdir(self.folder):
            shown = [
                f"# {mutant}: {status}\n{get_diff_for_mutant(mutant, path=mutants[mutant])}\n"
                for mutant, status in alive.items()
            ]
        file = self.folder / "survivors.diff"
        file.write_text("\n".join(shown), encoding="utf-8")
        where = f"; the others: {file.relative_to(ROOT)}" if alive else ""
        print(f"{self.name}: killed {len(mutants) - len(alive)} of {len(mutants)}{where}", flush=True)
        return len(mutants) - len(alive), len(mutants)


def main() -> int:
    table = SETTINGS["mutants"]["rooms"]
    parser = argparse.ArgumentParser(description="Counts the small changes of the code that the tests notice.")
    parser.add_argument("rooms", nargs="*", metavar="room", help=f"of {', '.join(table)}; all of them where none is")
    parser.add_argument("--sample", type=int, help="so many mutants a room, the same ones every time")
    asked = parser.parse_args()
    if unknown := set(asked.rooms) - table.keys():
        parser.error(f"no room {', '.join(sorted(unknown))}; there are {', '.join(table)}")
    killed = made = 0
    for name in asked.rooms or table:
        room = Room(name, table[name])
        mutants = room.mutants(asked.sample)
        room.lay_out()
        room.run(mutants)
        of_room = room.report(mutants)
        killed, made = killed + of_room[0], made + of_room[1]
    print(f"all: killed {killed} of {made}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")
    except RuntimeError as error:
        sys.exit(str(error))
