"""Mutation test of agent/policy: each comparison flipped, each boolean turned, each rule dropped, one by one.

A mutant is killed when the tests of the room fail on it. What survives is listed by file and line: either a test is
missing, or the change means nothing; bench/equivalent.toml says of which changes that is known, and why. Ends with 1 if
any other survives. Takes about half an hour on two processors.

    scripts/prove mutants [FILE...]        files of agent/policy, by name; all by default
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
ROOM = Path("agent/policy")
TIMEOUT_S = 300
FLIPS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    file: Path
    line: int
    what: str
    text: str

    @property
    def name(self) -> tuple[str, str, str]:
        """File, source line and change: what bench/equivalent.toml knows it by, wherever the line moves to."""
        line = (ROOT / self.file).read_text("utf-8").splitlines()[self.line - 1] if self.line else ""
        return self.file.name, line.strip(), self.what


def equivalent() -> dict[tuple[str, str, str], str]:
    """Why each of these changes means nothing."""
    told = tomllib.loads((ROOT / "bench" / "equivalent.toml").read_text("utf-8"))
    return {(each["file"], each["line"], each["change"]): each["why"] for each in told["mutant"]}


def mutants(file: Path) -> Iterator[Mutant]:
    """All mutants of one file; asserts are left alone, they are for readers."""
    source = (ROOT / file).read_text("utf-8")
    places = list(enumerate(ast.walk(ast.parse(source))))
    skip = {id(part) for _, node in places if isinstance(node, ast.Assert) for part in ast.walk(node)}
    for index, node in places:
        if id(node) in skip:
            continue
        for number, what in _changes(node):
            tree = ast.parse(source)
            changed = list(ast.walk(tree))[index]
            _apply(changed, number)
            yield Mutant(file, getattr(node, "lineno", 0), what, ast.unparse(tree))


def _changes(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Number and description of each change to this node."""
    if isinstance(node, ast.Compare):
        number = 0
        for place, operator in enumerate(node.ops):
            for other in FLIPS[type(operator)]:
                yield number, f"comparison {place + 1}: {type(operator).__name__} to {other.__name__}"
                number += 1
    elif isinstance(node, ast.BoolOp):
        yield 0, "and to or" if isinstance(node.op, ast.And) else "or to and"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield 0, "not dropped"
    elif isinstance(node, ast.FunctionDef) and any("obligation" in ast.unparse(each) for each in node.decorator_list):
        yield 0, f"rule {node.name} dropped"


def _apply(node: ast.AST, number: int) -> None:
    if isinstance(node, ast.Compare):
        options = [(place, other) for place, operator in enumerate(node.ops) for other in FLIPS[type(operator)]]
        place, other = options[number]
        node.ops[place] = other()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, ast.UnaryOp):
        node.op = ast.UAdd()
        node.operand = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
        ast.fix_missing_locations(node)
    elif isinstance(node, ast.FunctionDef):
        node.decorator_list = []


def fails(folder: Path, file: Path) -> bool:
    """Whether the room's tests fail in this copy; those of the file and of the rules are asked first."""
    likely = (folder / "tests/policy" / name for name in (f"test_{file.stem}.py", "test_rules.py", "test_gate.py"))
    first = [str(each) for each in dict.fromkeys(likely) if each.exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *first]
    try:
        done = subprocess.run(
            [*command, "tests/policy"], cwd=folder, capture_output=True, check=False, timeout=TIMEOUT_S,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def killed(mutant: Mutant, folder: Path) -> bool:
    """Whether the room's tests notice."""
    target = folder / mutant.file
    original = target.read_text("utf-8")
    target.write_text(mutant.text, "utf-8")
    try:
        return fails(folder, mutant.file)
    finally:
        target.write_text(original, "utf-8")


def main() -> int:
    console = Console(highlight=False)
    wanted = [ROOM / name for name in sys.argv[1:]] or sorted(ROOM / path.name for path in (ROOT / ROOM).glob("*.py"))
    found = [mutant for file in wanted for mutant in mutants(file)]
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="doorward-mutants-") as name:
        free: Queue[Path] = Queue()
        for number in range(workers):
            folder = Path(name) / str(number)
            for part in ("agent", "tests", "scenes", "models", "docs"):
                shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "pyproject.toml", folder)
            free.put(folder)

        if fails(Path(name) / "0", ROOM / "gate.py"):
            console.print("The tests fail without any change, so that no mutant can be judged.")
            return 1

        def judge(mutant: Mutant) -> bool:
            folder = free.get()
            try:
                return killed(mutant, folder)
            finally:
                free.put(folder)

        with ThreadPoolExecutor(workers) as pool:
            shown, answers = Console(stderr=True, highlight=False), []
            running = pool.map(judge, found)
            for mutant, died in track(zip(found, running, strict=True), "mutating", total=len(found), console=shown):
                answers.append(died)
                if not died:  # told at once: a run that is stopped has not been for nothing
                    shown.print(f"survived: {mutant.file.name}:{mutant.line} {mutant.what}")
    survivors, known = [mutant for mutant, died in zip(found, answers, strict=True) if not died], equivalent()
    unexplained = [mutant for mutant in survivors if mutant.name not in known]
    dead, same = len(found) - len(survivors), len(survivors) - len(unexplained)
    score = 100 * dead / max(1, len(found) - same)
    table = Table(title=f"{len(found)} mutants of {ROOM}: {dead} killed, {same} that change nothing, "
                        f"{len(unexplained)} survived; score {score:.1f} % of those that change something")  # fmt: skip
    for heading in ("survived in", "line", "change", "why it changes nothing"):
        table.add_column(heading)
    for mutant in survivors:
        table.add_row(mutant.file.name, str(mutant.line), mutant.what, known.get(mutant.name, "-"))
    console.print(table)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
