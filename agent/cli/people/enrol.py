"""`doorward people enrol`: enrolment from pictures, on a stopped device."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import Progress

from agent.cli.people.group import CONFIG, FILE, bytes_of, people
from agent.errors import ConfigError, PolicyError
from agent.gallery.enrol import NotPermitted, PictureFault, TooFewGood
from agent.gallery.reference import PROBES_MIN
from agent.policy.frames import CapturedFrame

_SIZE_MAX: Final = 32 * 1024 * 1024
_WORDS: Final = {
    PictureFault.NOT_PERMITTED: "not permitted by the policy",
    PictureFault.TOO_SMALL: "the face is too small: come closer",
    PictureFault.TURNED: "the head is turned too far: look at the camera",
    PictureFault.BLURRED: "blurred: hold still, or take more light",
    PictureFault.NO_FACE: "no face is found",
    PictureFault.MANY_FACES: "more than one face: be alone in the picture",
    PictureFault.NOT_ALIKE: "unlike the other pictures",
}


@people.command()
@CONFIG
@click.option("--receipt", required=True, type=FILE, help="The person's signed consent receipt.")
@click.argument("pictures", nargs=-1, required=True, type=FILE, metavar="FILE...")
def enrol(config_file: Path, receipt: Path, pictures: tuple[Path, ...]) -> None:
    """Enrol one person from at least five pictures; the recogniser must not run. Nothing is kept of the pictures."""
    from agent.app import config
    from agent.app.desk import open_desk

    if len(pictures) < PROBES_MIN:
        raise ConfigError(f"FILE: {len(pictures)} pictures; at least {PROBES_MIN} are needed, from different moments")
    loaded, data = config.load(config_file), bytes_of(receipt)
    with open_desk(loaded, lambda line: click.echo(f"doorward: {line}", err=True)) as desk:
        agreed = desk.consent(data, str(receipt))
        frames = [_frame(place, path) for place, path in enumerate(pictures)]
        faults: dict[int, PictureFault | None] = {}
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("looking at the pictures", total=len(pictures))

            def watch(place: int, fault: PictureFault | None) -> None:
                faults[place] = fault
                progress.update(bar, completed=len(faults))

            rejected = desk.enrol(agreed, frames, watch)
        advice = desk.filing
    for place, fault in sorted(faults.items()):
        if fault is not None:
            click.echo(f"{pictures[place]}: {_WORDS[fault]}", err=True)
    if advice is not None:
        click.echo(f"doorward: filing: {advice}", err=True)
    if isinstance(rejected, NotPermitted):
        listed = ", ".join(ground.value for ground in rejected.grounds)
        raise PolicyError(f"{receipt}: not permitted ({listed}); nothing was kept")
    if isinstance(rejected, TooFewGood):
        raise ConfigError(f"FILE: {rejected.good} good pictures, {PROBES_MIN} are needed; nothing was kept")
    click.echo(f"{agreed.subject} is enrolled on this device until the consent of {receipt} ends")


def _frame(number: int, path: Path) -> CapturedFrame:
    """The picture as the camera would give it.

    Raises:
        ConfigError: it cannot be read as a picture.
    """
    from agent.adapters.recording import decoded, handed_in

    data = bytes_of(path)
    picture = decoded(data) if len(data) <= _SIZE_MAX else None
    if picture is None:
        raise ConfigError(f"{path}: is not a picture of at most {_SIZE_MAX >> 20} MB; give JPEG, PNG or WebP")
    return handed_in(number, picture)
