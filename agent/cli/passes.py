"""`doorward pass`: the way without a face. Issue passes, and see what a device would say of one."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from agent.cli.authority import load_site
from agent.cli.groups import InOrder
from agent.cli.passphrase import PASSPHRASES
from agent.cli.tokens import forget, token
from agent.crypto import SignSecret, random_bytes, sign_public
from agent.errors import ConfigError
from agent.gallery.passes_text import ANY_NUMBER, PREFIX, Hours, unbase45
from agent.policy.bundle import PolicyDocument

_FILE = click.Path(path_type=Path, dir_okay=False)
_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):(00|15|30|45)-([01]\d|2[0-4]):(00|15|30|45)")


@click.group(name="pass", cls=InOrder, order=("issue", "verify", "token", "forget"))
def passes() -> None:
    """The way without a face: passes. And cards and PINs, which name a person where faces are compared 1:1."""


passes.add_command(token)
passes.add_command(forget)


@passes.command()
@click.option("--site", required=True, type=click.Path(path_type=Path, file_okay=False), help="The authority's folder.")
@click.option("--door", "doors", required=True, multiple=True, help="A door of the pass key; again for more.")
@click.option("--subject", help="Pseudonym of the person whose pass it is; without it the pass is a visitor's.")
@click.option("--compare", is_flag=True, help="At 1:1 doors it only names the person, and opens nothing by itself.")
@click.option("--days", type=click.IntRange(1, 366), default=1, show_default=True, help="From today on, whole days.")
@click.option("--uses", default="1", show_default=True, help="How often it opens, 1 to 254, or 'many'.")
@click.option("--hours", help="Only then, by the site's clock, such as 08:00-18:30; 22:00-02:00 ends the next day.")
@click.option("--on", "weekdays", multiple=True, type=click.Choice(_WEEK), help="Only on this day; again for more.")
@click.option("--rotating", is_flag=True, help="For a phone: a page that shows a fresh code every 15 seconds.")
@click.option("--lang", "languages", multiple=True, help="Language of a card, en or zh-Hans; again for more.")
@click.option("--font", type=_FILE, help="A font file to use for a card.")
@click.option("-o", "--output", required=True, type=_FILE, help=".png, .svg or .pdf (a card); rotating: .html")
@PASSPHRASES
def issue(
    site: Path, doors: tuple[str, ...], subject: str | None, compare: bool, days: int, uses: str, hours: str | None,
    weekdays: tuple[str, ...], rotating: bool, languages: tuple[str, ...], font: Path | None, output: Path,
    passphrases: tuple[Path, ...],
) -> None:  # fmt: skip
    """Sign a pass and draw it; days begin and end at midnight of the site's timezone."""
    from agent.site.passes import issue_pass

    kinds = (".html",) if rotating else (".png", ".svg", ".pdf")
    if output.suffix not in kinds:
        raise ConfigError(f"{output}: such a pass is written as {', '.join(kinds)}; choose one of them")
    policy, keys = load_site(site, passphrases)
    zone = _zone(policy)
    today = datetime.now(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    # Naive local dates, so that a day stays a day when the clocks change.
    begin_s, end_s = (_stamp(day, zone) for day in (today, today + timedelta(days=days)))
    within = _hours(hours, weekdays)
    phone = SignSecret(random_bytes(32)) if rotating else None
    text = issue_pass(
        policy, keys.sign_secret("pass"), doors=doors, from_s=begin_s, until_s=end_s, uses=_uses(uses), hours=within,
        subject=subject, compare=compare, phone=None if phone is None else sign_public(phone),
    )  # fmt: skip
    facts = _facts(doors, today, today + timedelta(days=days), uses, hours, weekdays, _pass_id(text))
    data = _drawn(text, output.suffix, facts, phone, end_s, languages, font)
    _write(output, data)
    click.echo(f"{output}: {'; '.join(facts)}.")
    if phone is not None:
        click.echo("Whoever has this file has the pass: hand it to the person alone, then delete it here.")
    else:
        click.echo("Print it 6 cm wide or more, or show it on a screen.")


@passes.command()
@click.option("--config", "config_file", required=True, type=_FILE, help="The device config (TOML).")
@click.argument("what", metavar="TEXT|PICTURE")
def verify(config_file: Path, what: str) -> None:
    """Say whether a stopped device would open for a pass now, or why not; uses nothing up.

    Exit code 0 when it would, 1 when it would not.
    """
    from agent.adapters.clock import utc_offset_s
    from agent.app import config
    from agent.app.stopped import open_law
    from agent.gallery.passes import Here, Rejected, judge

    texts = (what,) if what.startswith(PREFIX) else _read(Path(what))
    with open_law(config.load(config_file), lambda line: click.echo(f"doorward: {line}", err=True)) as opened:
        _, store, standing, now_s = opened
        law, uses = standing.law, store.passes.used()
    assert law is not None  # there is one, see `open_law`
    zone = law.policy.document.timezone
    offset_s = None if zone is None or now_s is None else utc_offset_s(zone, now_s)
    here = Here(law.policy.site, law.policy.door, now_s, offset_s)
    judged = [judge(text, law.policy.document.pass_keys, here, uses, law.revoked) for text in texts]
    verdicts = [each for each in judged if each is not None]
    if not verdicts:
        raise ConfigError(f"{what}: holds no code of a pass; give the text, or a sharper picture")
    refused = False
    for verdict in verdicts:
        refused |= isinstance(verdict, Rejected)
        if isinstance(verdict, Rejected):
            click.echo(
                f"refused: {verdict.reason.value}" + ("" if verdict.pass_id is None else f" ({verdict.pass_id})")
            )
        else:
            named = "names a person for 1:1 at" if verdict.compare and law.one_to_one else "opens"
            click.echo(f"accepted: {named} {law.policy.door} ({verdict.use.pass_id})")
    raise click.exceptions.Exit(1 if refused else 0)


def _drawn(
    text: str, suffix: str, facts: Sequence[str], phone: SignSecret | None, end_s: float,
    languages: tuple[str, ...], font: Path | None,
) -> bytes:  # fmt: skip
    if phone is not None:
        from agent.site.phone import phone_page

        return phone_page(text, phone, what="; ".join(facts), until_s=end_s)
    if suffix == ".pdf":
        try:
            from agent.site.signs.card import make_card
        except ImportError as error:
            raise ConfigError(f"pass: {error.name} is not installed; run: pip install 'doorward[sign]'") from None
        return make_card(text, facts, languages=languages, now_s=time.time(), font=font)
    from io import BytesIO

    from agent.site.passes import pass_code

    picture = BytesIO()
    pass_code(text).save(picture, kind=suffix[1:], scale=10, border=4)
    return picture.getvalue()


def _facts(
    doors: Sequence[str], begin: datetime, end: datetime, uses: str, hours: str | None, weekdays: Sequence[str],
    number: str,
) -> list[str]:  # fmt: skip
    last = end - timedelta(days=1)
    days = f"{begin:%Y-%m-%d}" if begin == last else f"{begin:%Y-%m-%d} to {last:%Y-%m-%d}"
    times = "any number of times" if uses == "many" else "once" if uses == "1" else f"{uses} times"
    when = " ".join((*([", ".join(weekdays)] if weekdays else []), *([hours] if hours else [])))
    return [f"opens {', '.join(doors)}", days + (f", {when}" if when else ""), times, f"no. {number}"]


def _pass_id(text: str) -> str:
    return (unbase45(text[len(PREFIX) :]) or b"")[9:17].hex()


def _uses(text: str) -> int:
    if text == "many":
        return ANY_NUMBER
    if not text.isdecimal() or not 1 <= int(text) < ANY_NUMBER:
        raise ConfigError(f"--uses: {text!r} is not within 1 to {ANY_NUMBER - 1}; or say 'many'")
    return int(text)


def _hours(text: str | None, weekdays: Sequence[str]) -> Hours | None:
    if text is None and not weekdays:
        return None
    found = _HOURS.fullmatch(text or "00:00-24:00")
    days = sum({1 << _WEEK.index(day) for day in weekdays}) or 127
    try:
        if found is None:
            raise ValueError("no times")
        hour, minute, to_hour, to_minute = (int(part) for part in found.groups())
        # An end at midnight is the end of the day that begins.
        return Hours(days, hour * 4 + minute // 15, (to_hour * 4 + to_minute // 15) or 96)
    except ValueError:
        raise ConfigError(f"--hours: {text!r} is no span of quarters of an hour, such as 08:00-18:30") from None


def _zone(policy: PolicyDocument) -> tzinfo | None:
    """None: the policy names none, and this machine's counts."""
    try:
        return None if policy.timezone is None else ZoneInfo(policy.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"timezone: {policy.timezone} is not known here; install the system's tzdata") from None


def _stamp(local: datetime, zone: tzinfo | None) -> float:
    return local.astimezone().timestamp() if zone is None else local.replace(tzinfo=zone).timestamp()


def _read(path: Path) -> tuple[str, ...]:
    """The texts of the codes in a picture."""
    from agent.adapters.qr import ZxingReader
    from agent.adapters.recording import decoded

    try:
        picture = decoded(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the text of a pass, or a picture of its code") from None
    if picture is None:
        raise ConfigError(f"{path}: is not a picture that can be read; give JPEG, PNG or WebP")
    return ZxingReader().in_picture(picture[..., 1].copy())


def _write(path: Path, data: bytes) -> None:
    """The pass is readable by its owner alone: who has it can use it."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; choose a file that can be written") from None
