"""`doorward site enrol`: publish references that a station has sealed for devices."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.passphrase import PASSPHRASES
from agent.cli.site.group import DIR, FILE, KEYS, open_site, site
from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH, PolicyDocument
from agent.policy.document import read


@site.command()
@DIR
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=FILE)
@click.option("--replace", is_flag=True, help="Take away those published before: devices have taken what is theirs.")
@KEYS
@PASSPHRASES
def enrol(
    folder: Path, files: tuple[Path, ...], replace: bool, holders: tuple[Path, ...], passphrases: tuple[Path, ...]
) -> None:
    """Publish the files of 'doorward people seal'; each device takes its own at its next check, once."""
    from agent.site.enrolments import enrolment_target

    opened = open_site(folder, holders, passphrases)
    data = opened.target(POLICY_PATH)
    if data is None:
        raise ConfigError(f"{folder}: no policy is published; run 'doorward site publish' with --policy")
    policy = read(data, PolicyDocument, POLICY_PATH)
    targets = dict(enrolment_target(_bytes(path), policy, str(path)) for path in files)
    before = [path for each in opened.states() if each.role == "enrolment" for path in each.targets]
    opened.publish(targets, [path for path in before if path not in targets] if replace else [])
    click.echo(f"{len(targets)} sealed enrolments published; devices take them at their next check")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
