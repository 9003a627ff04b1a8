"""A run told: as a table, as the page docs/performance.md, and as a picture of what was reached against the goals."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from rich.table import Table

from agent.bench.figures import Figure, number
from agent.bench.run import IDLE_S, Measured

PICTURE: Final = "pictures/performance.svg"
"""Beside the page."""
_ROW, _TOP, _LEFT, _BAR = 30, 64, 430, 330
_TOLD: Final = _LEFT + _BAR + 12
"""Where the figures begin, beside the bars."""
_LETTER: Final = 7.2
"""Pixels that a letter takes in the middle of a line, in the widest font that a browser may choose."""
_GOOD, _SHORT, _INK = "#0f766e", "#be123c", "#1f2933"


def tables(measured: Measured) -> list[Table]:
    """All figures, and the stages of a frame."""
    shown = Table(title="Speed on this machine", title_justify="left", box=None, pad_edge=False)
    for name, justify in (("what", "left"), ("measured", "right"), ("goal", "right"), ("", "left"), ("note", "left")):
        shown.add_column(name, justify=justify)  # type: ignore[arg-type]
    for figure in measured.figures:
        colour = {True: "green", False: "bold red", None: "dim"}[figure.reached]
        shown.add_row(figure.what, figure.told, figure.aim, f"[{colour}]{figure.verdict}[/]", figure.note)
    stages = Table(title="Stages of a frame, medians", title_justify="left", box=None, pad_edge=False)
    stages.add_column("stage")
    stages.add_column("ms", justify="right")
    for stage, ms in measured.stages.items():
        stages.add_row(stage, number(ms))
    return [shown, stages]


def page(measured: Measured) -> str:
    """docs/performance.md, whole."""
    rows = "\n".join(
        f"| {figure.what} | {figure.told} | {figure.aim} | {_verdict(figure)} |" for figure in measured.figures
    )
    stages = "\n".join(f"| {stage} | {number(ms)} |" for stage, ms in measured.stages.items())
    machine = "\n".join(f"- {name}: {value}" for name, value in measured.machine.items())
    shared = "\n**The machine was shared: others computed on it meanwhile, and every time is too long.**\n"
    return _PAGE.format(
        at=measured.at, rows=rows, stages=stages, machine=machine, picture=PICTURE, shared=shared * measured.shared
    )


def _verdict(figure: Figure) -> str:
    verdict = f"**{figure.verdict}**" if figure.reached is False else figure.verdict
    return f"{verdict} ({figure.note})" if figure.note and verdict else verdict or figure.note


_PAGE: Final = """# Speed, memory and idle load

This page is written by `scripts/bench --write docs/performance.md` and by nothing else; what was not reached says so.
Measured {at}, all in one run:

{machine}
{shared}
![Measured against the goals]({picture})

| What | Measured | Goal | |
|---|---:|---:|---|
{rows}

## Stages of a frame

Medians over the frames that have the stage, in the recogniser's own loop at 15 frames a second.

| Stage | ms |
|---|---:|
{stages}

## How it is measured

- **A frame.** A recogniser with three enrolled people, its link and a broker runs before a camera that plays one visit
  of the demo's scene again and again in real time, with everything on: gate with excluded region, zones and position,
  signs, tracks, quality, evidence, ledger and telemetry. After (on every second visit before) each frame the two bare
  models run once. For each picture of the visit the median over all visits counts; a ratio is the sum over the pictures
  that show a face, divided by that of the bare models: the detector on each, the embedder where the agent ran it. A
  frame's time runs until the loop is free for the next one. Code reading is the stage `codes`: signs and QR codes.
- **Beside others.** The same ten pictures of one face, each program in a process on one processor; the agent's before
  and after. face_recognition's calls (HOG upsampled once, five points, descriptor) are made on dlib-bin with its own
  model files, MediaPipe is its detector of full range in float. They live in `.venv-bench` (`requirements/bench.txt`),
  and are no dependency.
- **1:N.** Made-up templates of 512 values; people who are there and strangers in turn, threshold 0.45. Searched is in
  eight bits, decided in twelve (`agent/gallery/rows.py`); 20,000 references and more on two threads. On `faces-dev`
  (823 enrolled, 2,469 probes) it names nobody else than 32-bit floats do, no score differs by more than 0.0001, and
  FNIR at FPIR 1e-2 and 1e-3 is the same.
- **Idle.** Processor time of the whole process over {idle} s before the empty scene, with a sensor's noise, 10 frames a
  second. What a camera's driver takes is not in it.
- **To the door.** From the exposure of a frame to the door's pulse, decision on disk, in the recogniser as a process at
  15 frames a second: from the last frame that was compared, and from the first on which a face was good enough.
- **Memory.** Resident memory after those visits (VmRSS), and its peak.

## What was tried for the frame

On the machine that it was written on (x86-64) the bare detector takes about 3 ms, so that a tenth of it is 0.3 ms for
everything else, which is Python. Taken away were: averaging to the detector's size (1.1 ms, now 0.25), previews on
the frame's way (12.8 ms five times a second, now 1.5 ms on another thread), asking the same zones six times a frame
(0.3 ms), reading a mark again that looks the same (0.2 ms), half of decoding (0.06 ms), and NumPy's spread and mean
where OpenCV's take a tenth. Keeping large arrays from going back to the system changed nothing that could be
measured. What is left: asking the rules (0.2 ms), masking and letterbox (0.35 ms), decoding, tracks and attempts (0.3
ms), time, position and housekeeping (0.2 ms); and a frame on which a face is compared waits for the disk as well.

## On a Raspberry Pi

No figure above is of a Pi, and none is estimated. `scripts/bench --device` says what to send in.
""".replace("{idle}", f"{IDLE_S:g}")


def picture(measured: Measured) -> str:
    """Each figure that has a goal as a share of it; the line is the goal."""
    aimed = [figure for figure in measured.figures if figure.goal is not None and figure.value is not None]
    height = _TOP + _ROW * len(aimed) + 40
    told = [f"{figure.told} ({figure.aim})" for figure in aimed]
    across = round(_TOLD + _LETTER * max(map(len, told), default=0) + 20)
    parts = [f'<text x="20" y="30" class="title">Measured against the goals, {escape(measured.at)}</text>']
    for place, figure in enumerate(aimed):
        assert figure.goal is not None and figure.value is not None
        share = figure.goal / figure.value if figure.least else figure.value / figure.goal
        y, width = _TOP + _ROW * place, min(share, 1.6) / 1.6 * _BAR
        colour = _GOOD if figure.reached else _SHORT
        parts.append(
            f'<text x="{_LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(figure.what)}</text>'
            f'<rect x="{_LEFT}" y="{y}" width="{width:.0f}" height="18" fill="{colour}"/>'
            f'<text x="{_TOLD}" y="{y + 14}">{escape(told[place])}</text>'
        )
    goal = _LEFT + _BAR / 1.6
    end = _TOP + _ROW * len(aimed)
    parts.append(
        f'<line x1="{goal:.0f}" x2="{goal:.0f}" y1="{_TOP - 10}" y2="{end}" stroke="{_INK}" stroke-dasharray="4 3"/>'
        f'<text x="{goal:.0f}" y="{end + 18}" text-anchor="middle">goal; shorter is better</text>'
    )
    style = f"text{{font:13px system-ui,sans-serif;fill:{_INK}}}.title{{font-weight:600;font-size:15px}}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {height}" role="img">'
        f"<title>What was measured as a share of each goal</title><style>{style}</style>"
        f'<rect width="{across}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


DEVICE: Final = """What to send in from a device, so that its figures can stand on the page:

{facts}

1. Nothing else runs; the device has its usual cooling and supply, and has been on for ten minutes.
2. scripts/bench --json bench.json       (about {minutes} minutes; add --others on 64-bit x86)
3. On a Raspberry Pi also: vcgencmd get_throttled; vcgencmd measure_temp       (before and after)
4. Send bench.json, those two answers, and the lines above. Nothing in them is about a person or a place.
"""
"""Asked of somebody who owns another machine."""
