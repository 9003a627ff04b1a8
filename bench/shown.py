"""How the proofs show their figures: a table whose first column names and whose others are numbers."""

from __future__ import annotations

from rich.table import Table


def table(title: str, *heads: str) -> Table:
    made = Table(title=title)
    for place, head in enumerate(heads):
        made.add_column(head, justify="right" if place else "left")
    return made
