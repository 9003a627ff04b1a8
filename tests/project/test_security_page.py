"""docs/security.md: every test and proof that it names exists, and no clause of the standard is left out."""

from __future__ import annotations

import re
from pathlib import Path


def test_each_test_and_proof_that_is_named_exists(root: Path) -> None:
    page = (root / "docs/security.md").read_text("utf-8")
    named = re.findall(r"`([a-z_/]+\.py)(?:::(test_\w+))?`", page)
    assert len(named) > 50
    for file, test in named:
        path = root / "tests" / file.removeprefix("tests/")
        assert path.is_file(), file
        assert not test or re.search(rf"^def {test}\(", path.read_text("utf-8"), re.MULTILINE), f"{file}::{test}"
    for proof in re.findall(r"`scripts/prove (\w+)`", page):
        assert (root / f"bench/prove_{proof}.py").is_file(), proof


def test_every_provision_has_a_line_and_each_line_a_test_or_a_word_why_not(root: Path) -> None:
    """ETSI EN 303 645 V2.1.1, clauses 5.1 to 5.13: so many provisions each."""
    counts = dict(enumerate((5, 3, 16, 4, 8, 9, 2, 3, 3, 1, 4, 3, 1), 1))
    seen: set[tuple[int, int]] = set()
    for line in (root / "docs/security.md").read_text("utf-8").splitlines():
        if not (found := re.match(r"\| 5\.(\d+)-(\d+)([^|]*)\|", line)):
            continue
        clause, numbers = int(found[1]), [int(found[2])]
        for first, last in re.findall(r"-(\d+)(?: to -(\d+))?", found[3]):
            numbers += range(int(first), int(last or first) + 1)
        seen |= {(clause, number) for number in numbers}
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert len(cells) == 4, line
        assert cells[3] or "open" in cells[2] or "operator" in cells[2], f"{cells[0]}: neither a test nor a reason"
    assert seen == {(clause, number) for clause, most in counts.items() for number in range(1, most + 1)}
