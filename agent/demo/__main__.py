"""`scripts/demo`: the whole agent on a played scene or on a recording, narrated and judged."""

from __future__ import annotations

import math
import os
import sys
import webbrowser
from pathlib import Path

import click
from rich.console import Console

from agent.errors import ConfigError, DoorwardError


@click.command()
@click.option("--seconds", type=click.FloatRange(min=1), help="Play so long in all; without it until Ctrl-C.")
@click.option("--no-browser", is_flag=True, help="Print the page's address only.")
@click.option("--json", "figures", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here.")
@click.option("--video", type=click.Path(path_type=Path), help="Play a recording instead of the scene (30 s).")
@click.option("--without-inspection", is_flag=True, help="With --video: nobody has attested the sign.")
@click.option("--site", "site_name", help="Play a site of tests/scenarios once, and compare the outcome.")
@click.option("--scene", type=click.Path(path_type=Path, dir_okay=False), help="Play another scene file.")
def main(
    seconds: float | None,
    no_browser: bool,
    figures: Path | None,
    video: Path | None,
    without_inspection: bool,
    site_name: str | None,
    scene: Path | None,
) -> None:
    """Run the whole agent on this machine: broker, site, both processes and the page.

    Exit status 0: no decision was wrong or missed, no embedding unlawful, nothing lost, and the ledger verifies.
    1: something was. 2: it could not begin.
    """
    console = Console(highlight=False)
    try:
        sys.exit(_play(console, seconds, no_browser, figures, video, without_inspection, site_name, scene))
    except DoorwardError as error:
        for line in str(error).splitlines():
            print(f"demo: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(2)


def _play(
    console: Console,
    seconds: float | None,
    no_browser: bool,
    figures: Path | None,
    video: Path | None,
    without_inspection: bool,
    site_name: str | None,
    scene: Path | None,
) -> int:
    from agent.demo.run import Run, Wishes
    from agent.demo.source import SCENE, Source
    from agent.demo.table import show

    if seconds is not None and not math.isfinite(seconds):
        raise ConfigError(f"--seconds {seconds}: not a length of time; leave it out to play until Ctrl-C")
    if without_inspection and video is None:
        raise ConfigError("--without-inspection: a scene shows its sign; give it with --video")
    if site_name is not None and (video is not None or scene is not None or seconds is not None):
        raise ConfigError("--site: plays its own scene once, to its end; leave out --scene, --video and --seconds")
    source = Source(scene or SCENE, video, not without_inspection)
    if site_name is not None:
        from agent.demo import case

        named = case.load(site_name)
        console.print(f"[bold]{named.file.title}[/]: {named.file.story}", highlight=False)
        source = Source(named.scene, case=named)
    run = Run(
        Wishes((30.0 if video is not None else None) if seconds is None else seconds, source),
        console,
        browse=lambda url: None if no_browser else _browse(url),
    )
    if figures is not None:
        run.report.try_out(figures)
    run.play()
    if figures is not None:
        run.report.write(figures)
    show(run.report.figures(), console)
    return 0 if run.report.flawless() else 1


def _browse(url: str) -> None:
    """Open the page where there is a screen; a text browser would take the terminal away from the narration."""
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


if __name__ == "__main__":
    main()
