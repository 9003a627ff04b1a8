"""A signing key of one person or desk, in a file of its own: an inspector's, or of who may command."""

from __future__ import annotations

import os
from pathlib import Path

import click

from agent.crypto import SignSecret, random_bytes
from agent.errors import ConfigError


def own_key(path: Path, right: str) -> SignSecret:
    """The key in this file, made if there is none yet; readable by its owner only.

    Args:
        right: what whoever has the file may do, for the line that says that it is new.

    Raises:
        ConfigError: others may read it, or it is no key.
    """
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(random_bytes(32).hex() + "\n")
            click.echo(f"{path}: a new key; whoever has this file {right}", err=True)
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this key; run 'chmod 600' on it")
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise ConfigError(f"{path}: a key is 64 hex digits; restore the file from your copy")
    return SignSecret(secret)
