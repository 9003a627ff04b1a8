"""`doorward people enrol`: one person, from pictures or before the device's own camera, on a stopped device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click
from rich.console import Console
from rich.live import Live
from rich.progress import Progress

from agent.cli.people.group import bytes_of
from agent.cli.people.guidance import ALIKE, FAULTS, NEARLY, NOTHING_KEPT, POSES, SAID, WAITING
from agent.cli.people.mirror import shown
from agent.errors import ConfigError, PolicyError, VaultError
from agent.gallery.alike import Alike
from agent.gallery.enrol import NotPermitted, PictureFault, Rejected, TooFewGood, Watch
from agent.gallery.guide import WANTED
from agent.gallery.reference import PROBES_MIN
from agent.policy.frames import CapturedFrame
from agent.policy.grounds import Ground

if TYPE_CHECKING:
    from agent.app.capture import OutOfTime, Taken, View
    from agent.app.config import DeviceConfig
    from agent.app.desk import Desk, Kept
    from agent.gallery.consent import Consent

T = TypeVar("T")
_SIZE_MAX: Final = 32 * 1024 * 1024
_FRAMES_PER_S: Final = 8


def enrol_pictures(config: DeviceConfig, receipt: Path, pictures: tuple[Path, ...]) -> None:
    """Enrol from picture files.

    Raises:
        DoorwardError: whatever is in the way; nothing was kept then.
    """
    if len(pictures) < PROBES_MIN:
        raise ConfigError(f"FILE: {len(pictures)} pictures; at least {PROBES_MIN} are needed, from different moments")
    with _consenting(config, receipt) as (desk, agreed):

        def look(frames: list[CapturedFrame], watch: Watch) -> tuple[Kept | Alike] | Rejected:
            found = desk.enrol(agreed, frames, watch)
            return found if isinstance(found, TooFewGood | NotPermitted) else (found,)

        (made,) = looked_at(pictures, receipt, look)
    _close(agreed, receipt, made)


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
            click.echo(f"{pictures[place]}: {FAULTS[fault]}", err=True)
    if isinstance(found, TooFewGood):
        raise ConfigError(f"FILE: {found.good} good pictures, {PROBES_MIN} are needed; {NOTHING_KEPT}")
    if isinstance(found, NotPermitted):
        raise _not_permitted(receipt, found)
    return found


def enrol_here(config: DeviceConfig, receipt: Path, limit_s: float) -> None:
    """Enrol before the device's own camera, guided.

    Raises:
        DoorwardError: see `enrol_pictures`.
    """
    from agent.app.sources import capture_parts

    parts = capture_parts(config, _report)
    with _consenting(config, receipt) as (desk, agreed):
        from agent.app.capture import OutOfTime, capture

        _report(f"{receipt}: the consent of {agreed.subject} is in force; the camera is opened now")
        try:
            with _guide() as show:
                taken: Taken | NotPermitted | OutOfTime = capture(
                    desk, agreed, parts, show, stall_s=config.camera.stall_s, limit_s=limit_s
                )
        except KeyboardInterrupt:
            click.echo(f"doorward: {NOTHING_KEPT}", err=True)
            raise
        if isinstance(taken, NotPermitted):
            raise _not_permitted(receipt, taken)
        if isinstance(taken, OutOfTime):
            raise ConfigError(f"camera: {_missing(taken)}; {NOTHING_KEPT}")
        made = desk.keep(taken.reference, taken.since_s)
    _close(agreed, receipt, made)


@contextmanager
def _consenting(config: DeviceConfig, receipt: Path) -> Iterator[tuple[Desk, Consent]]:
    """The open desk and the consent, which comes before everything else."""
    from agent.app.desk import open_desk

    data = bytes_of(receipt)
    with open_desk(config, _report) as desk:
        try:
            yield desk, desk.consent(data, str(receipt))
        finally:
            if (advice := desk.filing) is not None:
                _report(f"filing: {advice}")


def _report(line: str) -> None:
    click.echo(f"doorward: {line}", err=True)


@contextmanager
def _guide() -> Iterator[Callable[[View], None]]:
    """What shows each view: a picture that changes on a terminal, else a line a change."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    with Live(console=console, refresh_per_second=_FRAMES_PER_S, transient=True) as live:
        yield lambda view: live.update(shown(view))


class _Lines:
    """The guide without a terminal."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, view: View) -> None:
        if view.say is None:
            line = f"{WAITING} ({_listed(view.grounds)})"
        else:
            taken = sum(WANTED.values()) - sum(view.missing.values())
            line = f"{taken} of {sum(WANTED.values())}: {SAID[view.say]}"
        if line != self._last:
            self._last = line
            click.echo(line, err=True)


def _listed(grounds: Iterable[Ground]) -> str:
    return ", ".join(ground.value for ground in grounds)


def _missing(over: OutOfTime) -> str:
    """What was missing at the end, and what was in the way most of the time."""
    counts = ", ".join(f"{POSES[pose]} {count}" for pose, count in over.missing.items() if count)
    if over.grounds:
        reason = f"{WAITING} ({_listed(over.grounds)})"
    else:
        reason = "nobody was seen" if over.obstacle is None else f"most of the time: {SAID[over.obstacle]}"
    return f"good pictures are missing ({counts}); {reason}"


def _not_permitted(receipt: Path, refused: NotPermitted) -> PolicyError:
    return PolicyError(f"{receipt}: not permitted ({_listed(refused.grounds)}); {NOTHING_KEPT}")


def _close(agreed: Consent, receipt: Path, made: Kept | Alike) -> None:
    if isinstance(made, Alike):
        raise VaultError(f"{receipt}: {ALIKE[made]}; {NOTHING_KEPT}")
    if made.too_like:
        _report(NEARLY)
    click.echo(
        f"{agreed.subject} is enrolled on this device until the consent of {receipt} ends ({made.seconds:.1f} s)"
    )


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
