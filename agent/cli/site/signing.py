"""`doorward site publish | prepare | sign | discard | diff`: from a working copy to what devices see."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.cli.passphrase import PASSPHRASES
from agent.cli.site.group import DIR, FILE, KEYS, open_site, site, still_missing
from agent.cli.site.working import follow_published, next_policy, read_copy
from agent.errors import ConfigError
from agent.policy.bundle import POLICY_PATH
from agent.site import difference
from agent.site import edit as edits
from agent.site.difference import Change
from agent.site.keyfiles import Role
from agent.site.metadata import State
from agent.site.policy_draft import draft_policy, read_decided, read_device
from agent.site.repository import SiteRepository
from agent.site.version import Version

_POLICY = click.option("--policy", type=FILE, help="A new policy, as for 'init'; without it DIR/policy.json.")
_DEVICES = click.option("--device", "devices", type=FILE, multiple=True, help="With --policy: the devices it names.")


@site.command()
@DIR
@KEYS
@PASSPHRASES
@_POLICY
@_DEVICES
def publish(
    folder: Path,
    holders: tuple[Path, ...],
    passphrases: tuple[Path, ...],
    policy: Path | None,
    devices: tuple[Path, ...],
) -> None:
    """Publish the prepared version, or the policy in DIR as a new one, once enough key holders have signed."""
    opened = open_site(folder, holders, passphrases)
    if opened.prepared() is None:
        opened.prepare(_targets(opened, folder, policy, devices))
    elif policy is not None:
        raise ConfigError(
            f"--policy: a version is prepared already; publish it, or run 'doorward site discard {folder}'"
        )
    finish(opened, folder)


@site.command()
@DIR
@KEYS
@PASSPHRASES
@_POLICY
@_DEVICES
def prepare(
    folder: Path,
    holders: tuple[Path, ...],
    passphrases: tuple[Path, ...],
    policy: Path | None,
    devices: tuple[Path, ...],
) -> None:
    """Put the policy in DIR aside as the next version, for its key holders to sign; roles about to end go with it."""
    opened = open_site(folder, holders, passphrases)
    missing = opened.prepare(_targets(opened, folder, policy, devices))
    say_changes(of_prepared(opened))
    click.echo(still_missing(missing, folder) if missing else f"signed; run 'doorward site publish {folder}'")


@site.command()
@DIR
@KEYS
@PASSPHRASES
@click.option("--yes", is_flag=True, help="Do not ask: the changes have been read before.")
def sign(folder: Path, holders: tuple[Path, ...], passphrases: tuple[Path, ...], yes: bool) -> None:
    """Sign the prepared version with the keys of one holder, who sees first what it widens and narrows.

    DIR may be a copy on another machine: it needs repository/ and prepared/ alone, and prepared/ goes back.
    """
    opened = open_site(folder, holders, passphrases)
    if opened.prepared() is None:
        raise ConfigError(f"{folder}: nothing is prepared; run 'doorward site prepare {folder}'")
    say_changes(of_prepared(opened))
    if not yes:
        click.confirm("Sign this?", abort=True, err=True)
    signed, missing = opened.sign()
    if not signed:
        raise ConfigError("sign: none of these keys counts here, or they have signed already; add --keys")
    click.echo(f"signed: {', '.join(sorted(signed))}")
    click.echo(still_missing(missing, folder) if missing else f"complete; run 'doorward site publish {folder}'")


@site.command()
@DIR
@KEYS
def discard(folder: Path, holders: tuple[Path, ...]) -> None:
    """Forget the prepared version; devices never saw it, and the working copy stays."""
    open_site(folder, holders).discard()
    click.echo("nothing is prepared now")


@site.command()
@click.argument("versions", nargs=-1, required=True, metavar="[OLD] NEW", type=click.Path(path_type=Path))
@KEYS
def diff(versions: tuple[Path, ...], holders: tuple[Path, ...]) -> None:
    """Say what a new version widens and narrows.

    OLD and NEW are policies (JSON). With NEW alone, the folder of a site, what is prepared there, or else its working
    copy, is compared with what is published.
    """
    if len(versions) > 2:
        raise ConfigError("diff: name one or two versions")
    if len(versions) == 2:
        say_changes(difference.between(*(_bytes(path) for path in versions)))
        return
    folder = versions[0] if versions[0].is_dir() else versions[0].parent
    opened = open_site(folder, holders)
    if versions[0].is_dir() and opened.prepared() is not None:
        say_changes(of_prepared(opened))
    else:
        new = _bytes(versions[0]) if versions[0].is_file() else read_copy(folder)
        say_changes(difference.between(opened.target(POLICY_PATH), new))


def of_prepared(opened: SiteRepository) -> list[Change]:
    """What the prepared version changes in policy, keys and targets."""
    version = opened.prepared()
    if version is None or version.base is None:
        return []
    old, new = opened.target(POLICY_PATH), _policy_of(version, opened)
    return difference.between(old, new) + difference.between_states(version.base, version.state)


def say_changes(changes: list[Change]) -> None:
    if not changes:
        click.echo("nothing is widened or narrowed")
        return
    table = Table("", "field", "change", show_lines=False)
    for change in sorted(changes, key=lambda each: not each.widens):
        table.add_row(
            "[bold red]widens[/]" if change.widens else "[green]narrows[/]", escape(change.where), escape(change.words)
        )
    Console().print(table)
    widens = sum(change.widens for change in changes)
    click.echo(f"{widens} widen, {len(changes) - widens} narrow")


def offer(
    opened: SiteRepository, folder: Path, targets: dict[str, bytes], change: Callable[[State], set[Role]]
) -> None:
    """Prepare a change of who may sign, and publish it at once if the keys at hand suffice."""
    opened.prepare(targets, change=change)
    say_changes(of_prepared(opened))
    finish(opened, folder)


def finish(opened: SiteRepository, folder: Path) -> None:
    """Publish the prepared version with the keys at hand.

    Raises:
        ConfigError: signatures are missing; it stays prepared.
    """
    opened.sign()
    version = opened.prepared()
    if version is None:
        raise AssertionError("it was prepared just now")
    if missing := version.missing():
        raise ConfigError(f"prepared, not published: {still_missing(missing, folder)}")
    before = opened.target(POLICY_PATH)
    opened.complete()
    after = opened.target(POLICY_PATH)
    follow_published(opened, folder, before)
    for state in opened.states():
        if state.role in version.changed:
            click.echo(f"{state.role} version {state.version} published")
    if after is not None and after != before:
        number = edits.opened(after)["version"]
        click.echo(f"policy version {number} published; devices take it up within their next check")


def _targets(opened: SiteRepository, folder: Path, policy: Path | None, devices: tuple[Path, ...]) -> dict[str, bytes]:
    """The next policy: a new one, or the working copy if it differs from what is published."""
    published = opened.target(POLICY_PATH)
    if policy is None:
        copy = read_copy(folder)
        unchanged = published is not None and edits.same(copy, published)
        return {} if unchanged else {POLICY_PATH: next_policy(opened, copy)}
    known = [read_device(path) for path in devices]
    decided, now_s = read_decided(policy), time.time()
    drafted = draft_policy(decided, site=opened.site, version=1, keys=opened.keys, devices=known, now_s=now_s)
    return {POLICY_PATH: next_policy(opened, drafted)}


def _policy_of(version: Version, opened: SiteRepository) -> bytes | None:
    if POLICY_PATH in version.files:
        return version.files[POLICY_PATH]
    listed = POLICY_PATH in version.state.delegated["permission"].signed.targets
    return opened.target(POLICY_PATH) if listed else None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a policy (JSON) or the folder of a site") from None
