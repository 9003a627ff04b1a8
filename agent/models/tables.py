"""The figures of `doorward models evaluate` as tables in Markdown, which reads as well in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

Figures = Mapping[str, Any]
_PARTS: Final = (
    ("pairs", "accuracy", "pairs: accuracy, 10 folds"),
    ("pairs", "auc", "pairs: area under the curve"),
    ("pairs", "tar_at_fmr_1e-3", "pairs: TAR at FMR 1e-3"),
    ("all_vs_all", "tar_at_fmr_1e-3", "all against all: TAR at FMR 1e-3"),
    ("all_vs_all", "tar_at_fmr_1e-4", "all against all: TAR at FMR 1e-4"),
    ("all_vs_all", "tar_at_fmr_1e-5", "all against all: TAR at FMR 1e-5"),
    ("openset", "fnir_at_fpir_1e-2", "1:N, N = {N}: FNIR at FPIR 1e-2"),
    ("openset", "fnir_at_fpir_1e-3", "1:N, N = {N}: FNIR at FPIR 1e-3"),
)


def text(report: Figures) -> str:
    """All tables of one report, under headings of the third level."""
    sides = {side: report[side] for side in ("int8", "float") if "missing" not in report[side]}
    parts = [
        f"{report['data']}: {report['pictures']:,} pictures of {report['people']:,} people, "
        f"embedder {report['embedder'][:12]}, shipped threshold {report['threshold']:g}."
    ]
    parts += [f"Left out: {each}." for each in report["left_out"]]
    parts.append(f"### On everybody\n\n{_whole(sides)}")
    held = _held_out(sides)
    if held:
        people = report["int8"]["held_out"]["people"]
        parts.append(
            "### Thresholds from one half of the people, rates from the other\n\n"
            f"Calibrated on {people['calibration']} people, reported on {people['report']} others (by the hash of the "
            f"subject).\n\n{held}"
        )
    search = report["int8"]["held_out"].get("search")
    if search:
        parts.append(f"### Thresholds of 1:N by gallery size (int8)\n\n{_search(search)}")
    for column, values in report["int8"]["slices"].items():
        parts.append(
            f"### By {column} (int8, at the shipped threshold)\n\n{_slice(values)}\n\n"
            f"{_ratios(report['int8']['ratios'][column])}"
        )
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _whole(sides: Mapping[str, Figures]) -> str:
    first = next(iter(sides.values()))
    rows = []
    for part, key, label in _PARTS:
        if part in first:
            few = " (too few trials to see one error)" if key in first[part].get("too_few_trials", ()) else ""
            cells = [_with_bounds(found[part].get(f"{key}_of"), found[part][key]) for found in sides.values()]
            rows.append([label.format(**first[part]) + few, *cells])
    rows.append(["failure to acquire", *(_rate(found["failure_to_acquire_of"]) for found in sides.values())])
    return _table(("Figure", *sides), rows)


def _held_out(sides: Mapping[str, Figures]) -> str:
    rows = []
    for part, wrong, told in (("all_vs_all", "fmr", "tar"), ("openset", "fpir", "fnir")):
        for side, found in sides.items():
            inside = found["held_out"].get(part, {})
            size = f", N = {inside['N']}" if "N" in inside else ""
            rows += [
                [f"{told.upper()} at {wrong.upper()} {key.partition('_')[2]}{size}", side, f"{at['threshold']:.3f}",
                 _rate(at[wrong]), _rate(at[told])]
                for key, at in inside.items() if isinstance(at, dict)
            ]  # fmt: skip
    return _table(("Figure", "networks", "threshold", "false matches there", "figure there"), rows) if rows else ""


def _search(points: Sequence[Figures]) -> str:
    return _table(
        ("FPIR aimed at", "people", "threshold", "FPIR reached", "FNIR"),
        ([f"{at['fpir_target']:g}", str(at["people"]), f"{at['threshold']:.3f}", _rate(at["fpir"]), _rate(at["fnir"])]
         for at in points),
    )  # fmt: skip


def _slice(values: Mapping[str, Figures]) -> str:
    return _table(
        ("Group", "people", "pictures", "failure to acquire", "FMR within", "FNMR"),
        ([value, str(found["people"]), str(found["pictures"]),
          *(_rate(found[key]) for key in ("failure_to_acquire", "fmr", "fnmr"))]
         for value, found in values.items()),
    )  # fmt: skip


def _ratios(found: Sequence[Figures]) -> str:
    if not found:
        return "There are not two groups with pairs to compare."
    return " ".join(_ratio(each) for each in found)


def _ratio(found: Figures) -> str:
    value = "without end (none in the best)" if found["value"] is None else f"{found['value']:.3g}"
    high = "without end" if found["high"] is None else f"{found['high']:.3g}"
    verdict = {True: "yes", False: "NO", None: "not decided, the bounds allow both"}[found["within_5"]]
    return (
        f"FMR of {found['worst']} / {found['best']}: {value}, between {found['low']:.3g} and {high}; "
        f"within 5 times: {verdict}."
    )


def _with_bounds(rate: Figures | None, value: float | None) -> str:
    return _rate(rate) if rate is not None else "–" if value is None else f"{value:.4f}"


def _rate(rate: Figures) -> str:
    if rate["value"] is None:
        return "–"
    return f"{_short(rate['value'])} ({_short(rate['low'])} to {_short(rate['high'])}; n = {rate['n']:,})"


def _short(value: float) -> str:
    return "0" if value < 1e-7 else f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"
