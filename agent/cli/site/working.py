"""The working copy of a policy, `DIR/policy.json`: `doorward site edit | lift`, and how it becomes the next version.

Rules: it is replaced as a whole, and only by what a device can read; nothing in it is in force until it is published.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from agent.cli.site.group import DIR, open_site, site
from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH
from agent.site import edit as edits
from agent.site.metadata import disk, sync, write
from agent.site.policy_draft import checked, foreseen, next_version
from agent.site.repository import SiteRepository


def copy_of(folder: Path) -> Path:
    return folder / "policy.json"


def read_copy(folder: Path) -> bytes:
    try:
        return copy_of(folder).read_bytes()
    except OSError as error:
        raise ConfigError(f"{copy_of(folder)}: {error.strerror}; give a policy with --policy") from None


def write_copy(folder: Path, data: bytes) -> None:
    with disk():
        write(copy_of(folder), data)
        sync(folder)


def change_copy(folder: Path, document: edits.Document) -> None:
    """Keep a changed document as the working copy, and say what is left to do."""
    write_copy(folder, checked(document))
    click.echo(f"{copy_of(folder)} changed; see 'doorward site diff {folder}', then publish it")


def next_policy(opened: SiteRepository, data: bytes) -> bytes:
    """A policy as the version after the published one, with a note on what devices will refuse under it."""
    published = opened.target(POLICY_PATH)
    version = 1 if published is None else int(json.loads(published)["version"]) + 1
    made = next_version(data, version)
    for each in foreseen(made):
        click.echo(f"note: devices will refuse ({each.ground.value}) until {each.demand}: {each.remedy}", err=True)
    return made


def first_policy(opened: SiteRepository, folder: Path, data: bytes) -> None:
    """Publish with all keys at hand, and keep it as the working copy."""
    made = next_policy(opened, data)
    opened.publish({POLICY_PATH: made})
    write_copy(folder, made)


def follow_published(opened: SiteRepository, folder: Path, before: bytes | None) -> None:
    """After a publication: the working copy takes over the version, unless it holds changes that were not in it.

    Args:
        before: the policy that was published before.
    """
    published = opened.target(POLICY_PATH)
    if published is None or published == before:
        return
    copy = read_copy(folder) if copy_of(folder).exists() else None
    if copy is None or edits.same(copy, published) or (before is not None and edits.same(copy, before)):
        write_copy(folder, published)
    else:
        click.echo(f"note: {copy_of(folder)} holds changes that were not in this version; they are kept", err=True)


@site.command()
@DIR
@click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Set one field; may be given again.")
def edit(folder: Path, fields: tuple[str, ...]) -> None:
    """Change the policy's working copy, DIR/policy.json: with --set, or in your editor.

    A field is written with dots (retention.max_days=180); a value is JSON, or else text; null takes a field away.
    """
    before = edits.opened(read_copy(folder), str(copy_of(folder)))
    after = edits.with_fields(before, fields) if fields else _in_editor(before)
    if after == before:
        click.echo("nothing changed")
    else:
        change_copy(folder, after)


@site.command()
@DIR
@click.argument("restriction")
def lift(folder: Path, restriction: str) -> None:
    """End RESTRICTION (its id, such as stop-fair) by the next policy: a device keeps what it has seen until then."""
    change_copy(folder, edits.with_lift(edits.opened(read_copy(folder), str(copy_of(folder))), restriction))
    path = f"restriction/{restriction}.json"
    if (folder / "repository").exists() and open_site(folder).target(path) is None:
        click.echo(f"note: {path} is not published now; it is lifted on devices that have seen it", err=True)


def _in_editor(before: edits.Document) -> edits.Document:
    """What the author makes of it; asked again for as long as it is no policy.

    Raises:
        ConfigError: the author gave up, or there is no editor; nothing was changed.
    """
    text = checked(before).decode()
    while True:
        try:
            edited = click.edit(text, extension=".json", require_save=True)
        except click.ClickException as error:
            raise ConfigError(f"$EDITOR: {error.format_message()}; or use --set") from None
        if edited is None:
            return before
        try:
            after = edits.hand_made(before, edited.encode())
        except ConfigError as error:
            click.echo(str(error), err=True)
            text = edited
            if not click.confirm("Edit it again?", default=True, err=True):
                raise ConfigError("edit: given up; the policy is as it was") from None
        else:
            return after
