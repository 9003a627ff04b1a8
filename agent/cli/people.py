"""`doorward people`: consent receipts, and enrolment on a stopped device."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.progress import Progress

from agent.cli.authority import load_site
from agent.cli.passphrase import PASSPHRASES
from agent.cli.receipts import guardian, receipt, seal
from agent.errors import ConfigError, PolicyError
from agent.gallery.enrol import NotPermitted, PictureFault, Rejected, TooFewGood, Watch
from agent.gallery.reference import PROBES_MIN
from agent.policy.fields import AgeBand
from agent.policy.frames import CapturedFrame

T = TypeVar("T")
_FILE = click.Path(path_type=Path, dir_okay=False)
_CONFIG = click.option("--config", "config_file", required=True, type=_FILE, help="The device config (TOML).")
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


@click.group()
def people() -> None:
    """Sign consent receipts, enrol people on a stopped device."""


for command in (guardian, receipt, seal):
    people.add_command(command)


@people.command()
@click.option("--site", required=True, type=click.Path(path_type=Path, file_okay=False), help="The authority's folder.")
@click.option("--subject", required=True, help="A pseudonym: lower-case letters, digits and hyphens; never a name.")
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="How long it holds.")
@click.option("--device", "devices", multiple=True, help="Only for this device; may be given again.")
@click.option("--age", type=click.Choice([each.value for each in AgeBand]), default="adult", show_default=True)
@click.option("--guardian", type=_FILE, help="The guardian's agreement, see 'doorward people guardian'; for minors.")
@click.option("--transmission", is_flag=True, help="Also agreed: made at a station, sent sealed to these devices.")
@click.option("-o", "--output", required=True, type=_FILE, help="The receipt (JSON).")
@PASSPHRASES
def consent(
    site: Path,
    subject: str,
    days: int,
    devices: tuple[str, ...],
    age: str,
    guardian: Path | None,
    transmission: bool,
    output: Path,
    passphrases: tuple[Path, ...],
) -> None:
    """Sign a receipt for a person who has read the notice and agreed, for the policy's one purpose."""
    from agent.adapters.keys import write_whole
    from agent.site.consents import demand_pseudonym, issue_receipt

    policy, keys = load_site(site, passphrases)
    receipt = issue_receipt(
        policy,
        keys.sign_secret("enrolment"),
        demand_pseudonym(subject),
        given_s=time.time(),
        days=days,
        devices=devices,
        age=AgeBand(age),
        guardian=None if guardian is None else _bytes(guardian),
        transmission=transmission,
    )
    write_whole(output, receipt, 0o600)
    click.echo(f"{output}: consent of {subject} to {policy.purpose.value}, {days} days; give the person a copy")
    click.echo(f"What the person takes home: doorward people receipt --site {site} --receipt {output} -o FILE.pdf")


@people.command()
@_CONFIG
@click.option("--receipt", required=True, type=_FILE, help="The person's signed consent receipt.")
@click.argument("pictures", nargs=-1, required=True, type=_FILE, metavar="FILE...")
def enrol(config_file: Path, receipt: Path, pictures: tuple[Path, ...]) -> None:
    """Enrol one person from at least five pictures; the recogniser must not run. Nothing is kept of the pictures."""
    from agent.app import config
    from agent.app.desk import open_desk

    if len(pictures) < PROBES_MIN:
        raise ConfigError(f"FILE: {len(pictures)} pictures; at least {PROBES_MIN} are needed, from different moments")
    loaded, data = config.load(config_file), _bytes(receipt)
    with open_desk(loaded, lambda line: click.echo(f"doorward: {line}", err=True)) as desk:
        agreed = desk.consent(data, str(receipt))
        looked_at(pictures, receipt, lambda frames, watch: desk.enrol(agreed, frames, watch))
    click.echo(f"{agreed.subject} is enrolled on this device until the consent of {receipt} ends")


def looked_at(pictures: Sequence[Path], receipt: Path, look: Callable[[list[CapturedFrame], Watch], T | Rejected]) -> T:
    """Show the progress of `look`, and name what is wrong with the pictures.

    Raises:
        PolicyError, ConfigError: the pictures do not make a reference.
    """
    frames = [_frame(place, path) for place, path in enumerate(pictures)]
    faults: dict[int, PictureFault | None] = {}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("looking at the pictures", total=len(pictures))

        def watch(place: int, fault: PictureFault | None) -> None:
            faults[place] = fault
            progress.update(bar, completed=len(faults))

        found = look(frames, watch)
    for place, fault in sorted(faults.items()):
        if fault is not None:
            click.echo(f"{pictures[place]}: {_WORDS[fault]}", err=True)
    if isinstance(found, NotPermitted):
        listed = ", ".join(ground.value for ground in found.grounds)
        raise PolicyError(f"{receipt}: not permitted ({listed}); nothing was kept")
    if isinstance(found, TooFewGood):
        raise ConfigError(f"FILE: {found.good} good pictures, {PROBES_MIN} are needed; nothing was kept")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None


def _frame(number: int, path: Path) -> CapturedFrame:
    """The picture as the camera would give it.

    Raises:
        ConfigError: it cannot be read as a picture.
    """
    from agent.adapters.recording import decoded, handed_in

    data = _bytes(path)
    picture = decoded(data) if len(data) <= _SIZE_MAX else None
    if picture is None:
        raise ConfigError(f"{path}: is not a picture of at most {_SIZE_MAX >> 20} MB; give JPEG, PNG or WebP")
    return handed_in(number, picture)
