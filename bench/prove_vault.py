"""The vault: nothing changed or moved opens, nobody erased comes back, two galleries cannot be linked, and how fast.

Printed are: changed, cut, swapped and replayed rows, receipts, sealed references, withdrawal codes and passes that were
accepted; erased people found on the disk, and opened out of an image of the disk from before; erasures that were killed
and left something half done; how well templates of one person can be linked across keys (D_sys); decisions that the
rotation changes; times of unlocking a full vault and of erasing.

    scripts/prove vault
    .venv/bin/python bench/prove_vault.py [--faces DIR] [--people N] [--kills N]

Real embeddings are of the synthetic cast, or of a folder of faces (images.csv). A TPM is swtpm's; see scripts/test.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.models.manifest import read_manifest
from bench.people.hostile import Attempt, Town, envelopes, receipts, withdrawal_codes
from bench.people.hostile_passes import passes
from bench.people.replayed import REPLAYS, replays
from bench.shown import table
from bench.vault import erased, linkage, tamper
from bench.vault.device import BACKENDS

EACH: Final = 5_000
"""Attempts of each kind of record."""
CASES, D_SYS, UNLOCK_S, ERASE_S = 20_000, 0.010, 2.0, 1.0
_OUT, _ERR = Console(highlight=False), Console(stderr=True)


def watch(numbers: Iterable[int], what: str, total: int) -> Iterable[int]:
    return track(numbers, what, total=total, console=_ERR, transient=True)


def tampered() -> bool:
    town = Town()
    records: dict[str, tuple[Iterable[Attempt], int]] = {
        "vault rows": (tamper.attempts(random.Random(4)), tamper.CASES),
        "receipts": (receipts(town, EACH), EACH),
        "sealed references": (envelopes(town, EACH), EACH),
        "withdrawal codes": (withdrawal_codes(town, EACH), EACH),
        "passes": (passes(EACH), EACH),
        "replayed at a device": (replays(), REPLAYS),
    }
    good, all_tried, all_accepted = True, 0, 0
    for name, (attempts, about) in records.items():
        tried, accepted = Counter[str](), Counter[str]()
        for each in track(attempts, f"opening {name}", total=about, console=_ERR, transient=True):
            tried[each.kind] += 1
            accepted[each.kind] += each.accepted
        shown = table(f"changed, moved and replayed: {name}", "what was done", "tried", "accepted")
        for what, count in sorted(tried.items()):
            shown.add_row(what, f"{count:,}", f"{accepted[what]:,}")
        shown.add_row("all", f"{tried.total():,}", f"{accepted.total():,}")
        _OUT.print(shown)
        good &= accepted.total() == 0 and tried.total() >= about
        all_tried, all_accepted = all_tried + tried.total(), all_accepted + accepted.total()
    _OUT.print(f"in all: {all_tried:,} tried, {all_accepted:,} accepted; the unharmed ones open")
    return good and all_tried >= CASES


def gone() -> bool:
    shown = table(
        f"{erased.ERASED} erased of {erased.PEOPLE}: how many can still be had",
        *("keys", "strength", "before", "scan", "store", "image"),
    )
    good = True
    for backend in BACKENDS:
        found = erased.remains(backend, watch)
        figures = (found.found_before, found.on_disk, found.from_old_store, found.from_old_image)
        shown.add_row(backend, found.strength, *(f"{number}" for number in figures))
        good &= found.still_open and found.found_before == erased.ERASED
        good &= found.on_disk == found.from_old_store == 0
        good &= found.strength == "best-effort" or found.from_old_image == 0
    shown.caption = (
        "before, scan: found by a raw scan of the disk; store: opened out of an old store with all keys of now; image: "
        "opened out of an old image of the whole state folder with all keys of then and now"
    )
    _OUT.print(shown)
    return good


def killed(count: int) -> bool:
    shown = table("erasures that were killed", "keys", "kills", "all as before", "all erased", "half done")
    good = True
    for backend in BACKENDS:
        found = erased.kills(backend, count if backend == "plain" else max(count // 4, 1), watch)
        shown.add_row(backend, *(f"{number}" for number in (found.kills, found.before, found.after, found.faults)))
        good &= found.faults == 0 and found.before > 0 and found.after > 0
    _OUT.print(shown)
    return good


def linked(faces: Path | None) -> bool:
    of, manifest = linkage.templates(faces, watch), read_manifest(linkage.ROOT / "models")
    same, apart = linkage.under_one_key(of), linkage.linkage(of, watch)
    label = "synthetic-cast" if faces is None else "real"
    turned = linkage.flips(of, manifest.threshold(label), watch)
    people = len(set(of.people.tolist()))
    shown = table(f"{of.name}: {len(of.rows)} embeddings of {people} people", "what", "figure")
    for what, figure in (
        ("pairs of keys", f"{apart.pairs:,}"),
        ("mated pairs", f"{apart.mated:,}"),
        ("non-mated pairs", f"{apart.other:,}"),
        ("D_sys across keys", f"{apart.d_sys:.4f}"),
        ("greatest D(s) across keys", f"{apart.d_most:.4f}"),
        ("D_sys under one key, to compare", f"{same.d_sys:.4f}"),
        (f"decisions at {label}'s threshold", f"{turned.comparisons:,}"),
        ("of these changed by the rotation", f"{turned.flips:,}"),
        ("greatest change of a score", f"{turned.moved:.1e}"),
        ("nearest score to the threshold", f"{turned.nearest:.1e}"),
    ):
        shown.add_row(what, figure)
    _OUT.print(shown)
    enough = apart.pairs >= 20 and apart.mated >= 10_000 and turned.comparisons >= linkage.COMPARISONS
    return enough and apart.d_sys <= D_SYS and turned.flips == 0


def fast(people: int) -> bool:
    shown = table(f"a vault of {people:,} people", "keys", "unlock, s", "on a core", "erase one, s", "on a core")
    good = True
    for backend in ("plain", "tpm2"):
        found = erased.speed(backend, people, watch)
        shown.add_row(backend, *(f"{seconds:.2f}" for seconds in (*found.unlock, *found.erase)))
        good &= found.unlock[0] <= UNLOCK_S and found.erase[0] <= ERASE_S
    _OUT.print(shown)
    return good


def main() -> int:
    asked = argparse.ArgumentParser(description="The vault's proof.")
    asked.add_argument("--faces", type=Path)
    asked.add_argument("--people", type=int, default=10_000)
    asked.add_argument("--kills", type=int, default=120)
    given = asked.parse_args()
    held = {
        "rows": tampered(),
        "erased": gone(),
        "killed": killed(given.kills),
        "linked": linked(given.faces),
        "fast": fast(given.people),
    }
    missed = [name for name, good in held.items() if not good]
    for name, good in held.items():
        _OUT.print(f"{'reached' if good else 'MISSED'}: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
