"""`doorward sign …`: print the sign, attest it where it hangs, print the no-recognition sign and card."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import ModuleType
from typing import Literal

import click
from pydantic import TypeAdapter, ValidationError

from agent.adapters.markers import survey
from agent.adapters.qr import ZxingReader
from agent.adapters.recording import looks
from agent.cli.own_key import own_key
from agent.cli.passphrase import PASSPHRASES
from agent.cli.site.group import open_site
from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH, Policy, PolicyDocument, Sign, VerifiedTarget, utc
from agent.policy.document import read
from agent.policy.fields import Name
from agent.policy.gate import Gate, Refusal
from agent.policy.law import Law
from agent.policy.signage import OPT_OUT_MARKER
from agent.site.repository import SiteRepository
from agent.site.signs.attest import Look, MarkFound, mark_in, token_in
from agent.site.signs.inspection import inspect
from agent.site.signs.section import section, toml
from agent.units import DeviceId

_DAY_S = 86_400
_SITE = click.option(
    "--site", required=True, type=click.Path(path_type=Path, file_okay=False), help="The authority's folder."
)
_OUTPUT = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help=".pdf or .svg"
)
_LANGUAGES = click.option(
    "--lang", "languages", multiple=True, help="Language of the notice, such as zh-Hans; again for more."
)
_FONT = click.option("--font", type=click.Path(path_type=Path, dir_okay=False), help="A font file to use.")


@click.group()
def sign() -> None:
    """Print the sign of a site, attest it where it hangs, print the no-recognition sign and card."""


@sign.command()
@_SITE
@_OUTPUT
@_LANGUAGES
@_FONT
@click.option("--size", type=click.Choice(["A4", "A3"]), default="A3", show_default=True)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long the sign holds.")
@click.option("--marker", type=click.IntRange(0, OPT_OUT_MARKER - 1), help="Number of its mark, if it must be one.")
@PASSPHRASES
def make(
    site: Path, output: Path, languages: tuple[str, ...], font: Path | None,
    size: str, days: int, marker: int | None, passphrases: tuple[Path, ...],
) -> None:  # fmt: skip
    """Draw the sign of the published policy, to print and hang beside the camera."""
    kind = _kind(output)
    repository, _, document = _published(site, passphrases)
    drawing = _drawing()
    data, until_s = drawing.make_sign(
        document, repository.keys.sign_secret("pass"), kind=kind, size=size, languages=languages,
        now_s=time.time(), days=days, marker=marker, font=font,
    )  # fmt: skip
    _write(output, data)
    click.echo(f"{output}: sign {document.sign.id} of {document.site}, good until {_day(until_s)}.")
    click.echo(
        f"Print it on {size} without scaling and hang it; then run 'doorward sign attest' on stills of the camera."
    )


@sign.command()
@_OUTPUT
@_LANGUAGES
@_FONT
@click.option("--size", type=click.Choice(["A4", "A5", "A6"]), default="A4", show_default=True)
def refuse(output: Path, languages: tuple[str, ...], font: Path | None, size: str) -> None:
    """Draw the no-recognition sign, for all who are in view; anybody may, and every device obeys it."""
    data = _drawing().make_refusing(kind=_kind(output), size=size, languages=languages, now_s=time.time(), font=font)
    _write(output, data)
    click.echo(f"{output}: while a camera sees it, the device recognises nobody.")


@sign.command()
@_OUTPUT
@_LANGUAGES
@_FONT
@click.option("--size", type=click.Choice(["A5", "A6"]), default="A6", show_default=True)
def card(output: Path, languages: tuple[str, ...], font: Path | None, size: str) -> None:
    """Draw a no-recognition card: whoever holds it before their chest is left alone; it disturbs nobody else."""
    data = _drawing().make_refusing(
        kind=_kind(output), size=size, languages=languages, now_s=time.time(), font=font, alone=True
    )
    _write(output, data)
    click.echo(f"{output}: whoever holds it is left alone; while a camera cannot tell who does, it recognises nobody.")


@sign.command()
@_SITE
@click.option("--stills", required=True, type=click.Path(path_type=Path), help="Folder of stills, or a video.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the section here as TOML.")
@click.option("--save", is_flag=True, help="Put it into SITE/policy.json, for 'doorward site publish'.")
@click.option("--inspector", help="Attest by a dated look at the sign instead of by the mark's place; who looked.")
@click.option(
    "--inspector-key", type=click.Path(path_type=Path, dir_okay=False), help="The inspector's own key; made if missing."
)
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it holds.")
def attest(
    site: Path, stills: Path, output: Path | None, save: bool,
    inspector: str | None, inspector_key: Path | None, days: int,
) -> None:  # fmt: skip
    """Check the mounted sign in stills of the commissioned camera, and write the policy's sign section.

    Take the stills with the stopped device's camera, at its full resolution and as it is mounted.
    """
    if (inspector is None) != (inspector_key is None):
        raise ConfigError("--inspector, --inspector-key: an inspection is signed; give both or neither")
    _, data, document = _published(site)
    now_s = time.time()
    seen = _looks(data, document, stills)
    token, read_at = token_in(seen, document, now_s)
    if inspector is None or inspector_key is None:
        mark = mark_in(seen, token, read_at)
        made = section(document, token, mark)
        click.echo(_measured(mark, len(seen), len(read_at)), err=True)
    else:
        until_s = min(now_s + days * _DAY_S, token.until_s)
        secret = own_key(inspector_key, "signs as this inspector")
        made = section(
            document, token, inspect(document, secret, inspector=_name(inspector), now_s=now_s, until_s=until_s)
        )
        click.echo(f"inspected by {inspector}, good until {_day(until_s)}", err=True)
    text = toml(made)
    click.echo(text, nl=False)
    if output is not None:
        _write(output, text.encode())
    if save:
        _save(site / "policy.json", made)
        click.echo(f"{site / 'policy.json'}: sign section replaced; run 'doorward site publish {site}'", err=True)


def _looks(data: bytes, document: PolicyDocument, stills: Path) -> list[Look]:
    """Every still through the gate, so that excluded regions are black here too."""
    gate = Gate(Law(Policy(VerifiedTarget("permission", POLICY_PATH, data), DeviceId(document.devices[0].id))))
    reader, found = ZxingReader(), []
    for name, captured in looks(stills, (document.view.width, document.view.height)):
        frame = gate.codes(captured)
        if isinstance(frame, Refusal):
            raise ConfigError(
                f"policy: no camera may be open here ({frame.grounds[0].value}), so there is no such sign"
            )
        found.append(Look(name, survey(frame), reader.texts(frame)))
    return found


def _published(site: Path, passphrases: tuple[Path, ...] = ()) -> tuple[SiteRepository, bytes, PolicyDocument]:
    repository = open_site(site, passphrases=passphrases)
    data = repository.target(POLICY_PATH)
    if data is None:
        raise ConfigError(f"{site}: no policy is published; run 'doorward site publish' with --policy")
    return repository, data, read(data, PolicyDocument, POLICY_PATH)


def _kind(output: Path) -> Literal["pdf", "svg"]:
    if output.suffix == ".pdf":
        return "pdf"
    if output.suffix == ".svg":
        return "svg"
    raise ConfigError(f"{output}: a sign is drawn as .pdf or .svg")


def _measured(mark: MarkFound, stills: int, codes: int) -> str:
    return (
        f"mark {mark.number}: {mark.side_px:.0f} pixels wide, within {mark.spread_px:.1f} of its place "
        f"in {mark.seen} of {stills} stills; code verified in {codes}"
    )


def _drawing() -> ModuleType:
    """Imported only here: the libraries that draw are for the authority's desk, and optional."""
    try:
        from agent.site.signs import making
    except ImportError as error:
        raise ConfigError(f"sign: {error.name} is not installed; run: pip install 'doorward[sign]'") from None
    return making


def _name(inspector: str) -> str:
    try:
        return TypeAdapter(Name).validate_python(inspector, strict=True)
    except ValidationError:
        raise ConfigError("--inspector: a role or pseudonym in a-z, 0-9 and '-', for instance front-desk") from None


def _save(path: Path, made: Sign) -> None:
    try:
        document = json.loads(path.read_bytes())
        document["sign"] = made.model_dump(mode="json", exclude_none=True)
        path.write_text(json.dumps(document, indent=2) + "\n")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; make the site with 'doorward site init'") from None
    except (ValueError, TypeError):
        raise ConfigError(f"{path}: is no policy in JSON; publish one with 'doorward site publish'") from None


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; choose a file that can be written") from None


def _day(unix_s: float) -> str:
    return f"{utc(unix_s):%Y-%m-%d}"
