"""`doorward people guardian | receipt | seal`: a guardian agrees, a person takes a sheet home, enrolment elsewhere."""

from __future__ import annotations

import time
from pathlib import Path

import click

from agent.cli.passphrase import PASSPHRASES, asker
from agent.cli.people.group import FILE, FOLDER, bytes_of, people
from agent.errors import ConfigError

_SITE = click.option("--site", required=True, type=FOLDER, help="The authority's folder.")
_RECEIPT = click.option("--receipt", "file", required=True, type=FILE, help="The person's signed consent receipt.")


@people.command()
@_SITE
@click.option("--guardian", "name", required=True, help="Pseudonym of the guardian; never a name.")
@click.option("--subject", required=True, help="Pseudonym of the child.")
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True, help="How long it holds.")
@click.option("--transmission", is_flag=True, help="The guardian agrees to that too, see 'doorward people consent'.")
@click.option("-o", "--output", required=True, type=FILE, help="The agreement (JSON), for 'consent --guardian'.")
@PASSPHRASES
def guardian(
    site: Path, name: str, subject: str, days: int, transmission: bool, output: Path, passphrases: tuple[Path, ...]
) -> None:
    """Sign the agreement of a guardian who has read the notice and agreed for one child."""
    from agent.adapters.keys import write_whole
    from agent.cli.authority import load_site
    from agent.site.consents import demand_pseudonym, issue_guardian

    policy, keys = load_site(site, passphrases)
    agreement = issue_guardian(
        policy,
        keys.sign_secret("enrolment"),
        demand_pseudonym(name, "--guardian"),
        demand_pseudonym(subject),
        given_s=time.time(),
        days=days,
        transmission=transmission,
    )
    write_whole(output, agreement, 0o600)
    click.echo(f"{output}: agreement for {subject} to {policy.purpose.value}, {days} days; give the guardian a copy")


@people.command()
@_SITE
@_RECEIPT
@click.option("-o", "--output", required=True, type=FILE, help=".pdf, .svg or .png")
@click.option("--lang", "languages", multiple=True, help="Language of the notice, such as zh-Hans; again for another.")
@click.option("--font", type=FILE, help="A font file to use.")
def receipt(site: Path, file: Path, output: Path, languages: tuple[str, ...], font: Path | None) -> None:
    """Draw the sheet that a person takes home: what was agreed to, rights, and the code that takes it back."""
    from agent.adapters.keys import write_whole
    from agent.cli.authority import load_site

    try:
        from agent.site.signs import takehome
    except ImportError as error:
        raise ConfigError(f"receipt: {error.name} is not installed; run: pip install 'doorward[sign]'") from None
    kind = output.suffix.removeprefix(".")
    if kind not in takehome.KINDS:
        raise ConfigError(f"{output}: the sheet is drawn as .pdf, .svg or .png")
    policy, _ = load_site(site)
    drawn = takehome.make_takehome(
        bytes_of(file), policy, kind=kind, languages=languages, now_s=time.time(), font=font, source=str(file)
    )
    write_whole(output, drawn, 0o600)
    click.echo(f"{output}: give it to the person; whoever shows its code to a camera of {policy.site} withdraws")


@people.command()
@click.option("--config", "config_file", required=True, type=FILE, help="The config of a stopped device of the site.")
@_RECEIPT
@click.option("--keys", required=True, type=FOLDER, help="Folder with an enrolment key of the site.")
@click.option("--for", "epochs", required=True, multiple=True, type=FILE, help="A device's epoch.json; again for more.")
@click.option(
    "-o", "--output", required=True, type=FOLDER, help="Folder for one sealed file a device; made if need be."
)
@click.argument("pictures", nargs=-1, required=True, type=FILE, metavar="FILE...")
@PASSPHRASES
def seal(
    config_file: Path,
    file: Path,
    keys: Path,
    epochs: tuple[Path, ...],
    output: Path,
    pictures: tuple[Path, ...],
    passphrases: tuple[Path, ...],
) -> None:
    """Enrol one person for other devices: make the template here, seal it for each, and keep nothing.

    The person must have agreed to that ('doorward people consent --transmission'). Publish the files with
    'doorward site enrol'.
    """
    from agent.adapters.keys import write_whole
    from agent.app import config
    from agent.app.desk import open_desk
    from agent.app.station import sealed_for
    from agent.cli.people.enrolling import looked_at
    from agent.crypto import SignPublic
    from agent.gallery.envelope import envelope_name
    from agent.gallery.epoch import read_epoch
    from agent.site.keys import SiteKeys

    secret = SiteKeys.load(keys, ask=asker(passphrases)).sign_secret("enrolment")
    loaded, data = config.load(config_file), bytes_of(file)
    if not output.absolute().parent.is_dir():  # said before anybody's pictures are looked at
        raise ConfigError(f"{output}: there is no folder to make it in; name one in a folder, nothing was sealed")
    with open_desk(loaded, lambda line: click.echo(f"doorward: {line}", err=True)) as desk:
        named = {each.id: SignPublic(bytes.fromhex(each.signing_key)) for each in desk.policy.devices}
        to = [read_epoch(bytes_of(path), named, str(path)) for path in epochs]
        made = looked_at(
            pictures, file, lambda frames, watch: sealed_for(desk, data, str(file), to, secret, frames, watch)
        )
    try:
        output.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{output}: {error.strerror}; name a folder that can be written") from None
    for device, envelope in made.items():
        path = output / envelope_name(envelope, device)
        write_whole(path, envelope, 0o600)
        click.echo(f"{path}: sealed for {device}; publish it with 'doorward site enrol'")
