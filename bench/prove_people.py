"""The people: nothing of them leaks, who withdraws at the door is gone at once, and enrolment takes seconds.

Printed are: canary templates, pseudonyms and frames found in all that a real run leaves (disk, standard error, socket,
broker, temporary files, core file), in each encoding; whether a killed recogniser leaves a core file; seconds from a
withdrawal code at the door to the person being gone, with 10,000 enrolled; seconds of unlocking; of one enrolment.

    scripts/prove people
    .venv/bin/python bench/prove_people.py [--people N] [--only leaks|withdrawal|enrolment]

How passes are read and refused is shown by `scripts/prove pass`, what changed documents come to by `scripts/prove
vault`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.scene.render import Stage
from bench.people import canaries, cores
from bench.people.captured import COUNT, ERASED, Captured, capture
from bench.people.enrolment import LIMIT_S, enrolment_seconds
from bench.people.withdrawn import withdrawn
from bench.shown import table
from bench.vault.device import BACKENDS

WITHDRAWN_S, UNLOCK_S, ENCODINGS = 1.0, 2.0, 6
_OUT, _ERR = Console(highlight=False, width=120), Console(stderr=True)
Found = dict[str, Counter[str]]
"""Encoding -> place -> how many canaries."""
_PLACES: Final = ("disk", "standard error", "AF_UNIX", "MQTT", "temporary")


def watch(numbers: Iterable[int], what: str, total: int) -> Iterable[int]:
    return track(numbers, what, total=total, console=_ERR, transient=True)


def leaks() -> bool:
    with tempfile.TemporaryDirectory(prefix="leaks-") as folder, _bar() as bar:
        job = bar.add_task("", total=1.0)
        run = capture(Path(folder), lambda done, what: bar.update(job, completed=done, description=what))
    decisions = ", ".join(f"{count} {outcome}" for outcome, count in sorted(run.decisions.items()))
    _OUT.print(
        f"a run of {len(run.frames):,} frames with {COUNT:,} canaries, {len(run.gone)} of them erased: {decisions}"
    )
    _OUT.print("kept of it: " + ", ".join(f"{place} {len(data):,} bytes" for place, data in run.places.items()))
    good = {"match", "pass-accepted"} <= run.decisions.keys() and len(run.gone) == ERASED + 1
    haystack = canaries.Haystack(run.places)
    enrolled = [name for name in run.names if name not in run.gone]
    groups: dict[str, Found] = {
        "templates": _search(haystack, run.templates, canaries.OF_TEMPLATE),
        "templates as the gallery turns them": _search(haystack, run.rotated, canaries.OF_TEMPLATE),
        "pseudonyms of the erased": _search(haystack, run.gone, canaries.OF_NAME),
        "pseudonyms of the enrolled": _search(haystack, enrolled, canaries.OF_NAME),
        "frames": _frames(haystack, run),
    }
    for what, found in groups.items():
        shown = table(what, "encoding", *_PLACES)
        for encoding, places in found.items():
            shown.add_row(encoding, *(f"{places[place]}" for place in _PLACES))
            good &= all(places[place] == 0 for place in run.places)
        _OUT.print(shown)
        good &= len(found) >= ENCODINGS
    return good & (len(run.frames) >= COUNT) & _controls(run, haystack) & _cores(run)


def _search(haystack: canaries.Haystack, of: Sequence[Any], ways: canaries.Encodings) -> Found:
    return {name: haystack.search([write(each) for each in of]) for name, write in ways.items()}


def _frames(haystack: canaries.Haystack, run: Captured) -> Found:
    stage, found = Stage(run.scene, run.passes), dict[str, Counter[str]]()
    chosen = run.frames[:COUNT]
    for number in watch(chosen, "looking for frames", len(chosen)):
        for encoding, data in canaries.frame(*stage.picture(number)).items():
            found.setdefault(encoding, Counter()).update(haystack.search([data], canaries.WINDOW))
    return found


def _controls(run: Captured, haystack: canaries.Haystack) -> bool:
    """What was written on purpose is found at its place, and one canary of each kind is found in each encoding."""
    at_place = {place: haystack.search([text])[place] for place, text in run.planted.items()}
    rgb, luma = Stage(run.scene, run.passes).picture(run.frames[0])
    written: dict[str, list[bytes]] = {
        "templates": [write(run.templates[0]) for write in canaries.OF_TEMPLATE.values()],
        "pseudonyms": [write(run.names[0]) for write in canaries.OF_NAME.values()],
        "frames": list(canaries.frame(rgb, luma).values()),
    }
    good = all(at_place.values())
    shown = table("written on purpose", "what", "written", "found")
    for place, count in at_place.items():
        shown.add_row(f"into {place}, during the run", "1", f"{count}")
    for what, made in written.items():
        # Cut out of the middle and laid between other bytes, as a leak would lie.
        laid = b"?!".join(each[len(each) // 3 : len(each) // 3 + 3 * canaries.WINDOW] for each in made)
        found = sum(canaries.Haystack({"": laid}).search([each], 1)[""] for each in made)
        shown.add_row(f"{what}, 48 bytes of each encoding", f"{len(made)}", f"{found}")
        good &= found == len(made)
    _OUT.print(shown)
    return good


def _cores(run: Captured) -> bool:
    control, undumpable = cores.plain_abort(), cores.plain_abort(dumpable=False)
    shown = table("ended by SIGABRT", "process", "limit for core files", "ended as", "core files", "canary in it")
    for process, each in (("plain, to compare", control), ("plain, not dumpable alone", undumpable)):
        shown.add_row(process, each.limit, each.ended, f"{each.files}", "yes" if each.canary else "no")
    shown.add_row("recogniser", run.limits, run.core, f"{len(run.left)}", "-")
    shown.caption = cores.WORDS
    _OUT.print(shown)
    if not control.canary:
        _OUT.print("nothing can be said about core files: this machine makes none for anybody")
    return undumpable.ended == run.core == "killed" and not run.left and run.limits in ("0 0", "0 0 raised")


def withdrawal(people: int) -> bool:
    shown = table(
        f"a withdrawal code at the door, {people:,} enrolled: seconds, of five",
        *("keys", "erase_strength", "unlock all", "gone", "slowest", "on a core"),
    )
    good = True
    for backend in BACKENDS:
        found = withdrawn(backend, people, watch)
        times = (found.unlock_s, found.gone_s, found.slowest_s, found.worked_s)
        shown.add_row(backend, found.strength, *(f"{seconds:.2f}" for seconds in times))
        good &= found.gone_s <= WITHDRAWN_S and found.unlock_s <= UNLOCK_S
    _OUT.print(shown)
    return good


def _bar() -> Progress:
    return Progress(console=_ERR, transient=True)


def main() -> int:
    asked = argparse.ArgumentParser(description="The people's proof.")
    asked.add_argument("--people", type=int, default=10_000)
    asked.add_argument("--only", choices=("leaks", "withdrawal", "enrolment"))
    given = asked.parse_args()
    parts: dict[str, tuple[str, Callable[[], bool]]] = {
        "leaks": ("0 canaries found, no core file", leaks),
        "withdrawal": (
            f"gone within {WITHDRAWN_S:g} s, vault unlocked within {UNLOCK_S:g} s", lambda: withdrawal(given.people)
        ),
        "enrolment": (
            f"one person enrolled within {LIMIT_S:g} s", lambda: enrolment_seconds(_OUT) <= LIMIT_S
        ),
    }  # fmt: skip
    held = {goal: part() for name, (goal, part) in parts.items() if given.only in (None, name)}
    for goal, good in held.items():
        _OUT.print(f"{'reached' if good else 'MISSED'}: {goal}")
    _OUT.print("passes: see 'scripts/prove pass'; changed and replayed documents: see 'scripts/prove vault'")
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
