"""What the proofs of printed things share: where cameras stand, how a sheet is rasterised, how promises are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pypdfium2
from rich.console import Console

from agent.units import Luma
from tests.site.mounted import PER_MM, Camera

YAWS = (-40, -20, 0, 20, 40)


def views(
    random: np.random.Generator,
    count: int,
    width: int,
    distance_m: float,
    aim: tuple[float, float],
    away: float,
    yaws: Sequence[float] = YAWS,
) -> Iterator[Camera]:
    """`count` cameras for each angle, a little tilted, their aim up to `away` millimetres beside the axis."""
    for yaw in yaws:
        for _ in range(count):
            yield Camera(
                width, width * 3 // 4, distance_m, aim, yaw + random.uniform(-2, 2), random.uniform(-8, 8),
                random.uniform(-5, 5), tuple(random.uniform(-away, away, 2)),
            )  # fmt: skip


def rastered(pdf: bytes) -> Luma:
    """The first page, with `PER_MM` pixels for a millimetre."""
    grey = pypdfium2.PdfDocument(pdf)[0].render(scale=PER_MM * 25.4 / 72, grayscale=True).to_numpy()
    return np.ascontiguousarray(grey.reshape(grey.shape[:2]), np.uint8)


class Promises:
    """Each is told as it is found kept or broken."""

    def __init__(self, console: Console) -> None:
        self._console, self._broken = console, 0

    def demand(self, kept: bool, promise: str) -> None:
        self._console.print(f"[{'green]kept' if kept else 'bold red]BROKEN'}[/]: {promise}")
        self._broken += not kept

    def close(self) -> int:
        """The exit code of the proof."""
        told = f"[bold red]{self._broken} promises broken.[/]" if self._broken else "[bold green]Every promise kept.[/]"
        self._console.print(told)
        return 1 if self._broken else 0
