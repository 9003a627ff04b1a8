"""`doorward pass token | forget`: which card or PIN names whom, in the policy's working copy.

The token is typed without being shown, or read from a file that only its owner can read; it is never an argument, which
would stand in the list of processes, and never told.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from agent.errors import ConfigError
from agent.token import TokenKind

_DAY_S = 86_400
_SITE = click.option(
    "--site", required=True, type=click.Path(path_type=Path, file_okay=False), help="The authority's folder."
)
_SUBJECT = click.option("--subject", required=True, help="Pseudonym of the person.")


@click.command()
@_SITE
@_SUBJECT
@click.option("--kind", required=True, type=click.Choice([kind.value for kind in TokenKind]))
@click.option("--door", "doors", multiple=True, help="Door of the policy; may be given again. Else the policy's own.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it holds.")
@click.option("--opens", is_flag=True, help="Presented at the device itself it opens; else it only names for 1:1.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its first line is the token; else it is asked for.",
)
def token(
    site: Path, subject: str, kind: str, doors: tuple[str, ...], days: int, opens: bool, token_file: Path | None
) -> None:
    """Let a card or a PIN name a person; nobody can read it from the policy but by trying.

    A PIN of four or six digits does not resist trying for long: whoever has the policy has the PIN.
    """
    from agent.cli.site.working import change_copy, copy_of, read_copy
    from agent.site.edit import opened
    from agent.site.tokens import with_token

    document = opened(read_copy(site), str(copy_of(site)))
    text = _asked(kind) if token_file is None else _first_line(token_file)
    made = with_token(
        document, TokenKind(kind), text.strip(), subject=subject, doors=doors or (document["door"],),
        until_s=int(time.time()) + days * _DAY_S, opens=opens,
    )  # fmt: skip
    change_copy(site, made)


@click.command()
@_SITE
@_SUBJECT
def forget(site: Path, subject: str) -> None:
    """Take a person's cards and PINs out of the policy."""
    from agent.cli.site.working import change_copy, copy_of, read_copy
    from agent.site.edit import opened
    from agent.site.tokens import without_tokens

    change_copy(site, without_tokens(opened(read_copy(site), str(copy_of(site))), subject))


def _asked(kind: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigError("token: no terminal to ask at; give --token-file")
    return str(click.prompt(f"The {kind}", hide_input=True, confirmation_prompt="Once more", err=True))


def _first_line(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this token; run 'chmod 600' on it")
        return path.read_text("utf-8").partition("\n")[0]
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file with a token") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from None
