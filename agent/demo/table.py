"""The summary at the end of the demo, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table


def show(figures: dict[str, Any], console: Console) -> None:
    """Print what `Report.figures` gives."""
    table = Table(title="What the agent did", title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in _rows(figures):
        table.add_row(name, value)
    console.print()
    console.print(table)
    for problem in figures["problems"]:
        console.print(f"[bold red]x[/] {problem}", highlight=False, soft_wrap=True)
    if not figures["ok"]:
        return
    if figures["unlawful_embeddings"] is None:
        console.print("[bold green]Nobody was recognised, and nothing was lost; the ledger verifies.[/]")
    else:
        console.print("[bold green]Nothing wrong, nothing missed, nothing unlawful; the ledger verifies.[/]")


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "frames", f"{figures['frames']} in {figures['seconds']:g} s, {figures['fps']:g} a second"
    yield "frames refused", ", ".join(f"{n} {ground}" for ground, n in figures["frames_refused"].items()) or "none"
    for outcome, count in figures["decisions"].items():
        if count["right"] is None:
            yield outcome, f"{count['received']} received"
        else:
            yield outcome, f"{count['right']} right, {count['wrong']} wrong, {count['missed']} missed"
    unlawful = figures["unlawful_embeddings"]
    yield "embeddings", f"{figures['embeddings']}" + ("" if unlawful is None else f", {unlawful} unlawful")
    for label, key in (("first good frame to door", "latency_ms"), ("first readable pass to door", "pass_latency_ms")):
        spread = figures[key]
        if spread is not None and spread["count"]:
            yield label, f"p50 {spread['p50']:g} ms, p95 {spread['p95']:g} ms (of {spread['count']})"
    yield "stage medians", ", ".join(f"{name} {ms:g} ms" for name, ms in figures["stages_ms"].items()) or "none"
    memory = {name: f"{name} {kb / 1000:.0f} MB" for name, kb in figures["peak_rss_kb"].items()}
    yield "peak memory", ", ".join(memory.values())
    yield "MQTT messages", ", ".join(f"{n} {topic}" for topic, n in figures["mqtt"].items()) or "none"
    ledger = figures["ledger"]
    yield "ledger", f"{ledger['entries']} entries, {'verifies' if ledger['verified'] else 'DOES NOT VERIFY'}"
    network = figures["network"]
    yield "recogniser sees", f"interfaces {', '.join(network['interfaces']) or 'none'}, {network['sockets']} sockets"
    start = {name.replace("_", " "): seconds for name, seconds in figures["start_s"].items() if seconds is not None}
    yield "from the start to", ", ".join(f"{name} {seconds:g} s" for name, seconds in start.items()) or "nothing"
