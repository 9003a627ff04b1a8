"""`doorward dashboard`: the page for who watches a site, from this machine or from any web server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.app.dashboard import Watched


@click.command()
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path, dir_okay=False), help="A device config: site and broker."
)
@click.option("--websocket", help="Where a browser reaches the broker: wss://host:port.")
@click.option("--site", help="Show this site's devices alone.")
@click.option("--port", type=click.IntRange(0, 65535), help="On 127.0.0.1; 0 takes a free one.  [default: 8480]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the files into this folder instead, for any web server."
)
def dashboard(
    config_file: Path | None, websocket: str | None, site: str | None, port: int | None, out: Path | None
) -> None:
    """Serve the watcher's page on this machine until Ctrl-C, or write it with --out.

    It is told where the broker is and never how to enter it: whoever opens it logs in, and nothing is kept of that.
    """
    from agent.app import dashboard as page

    if out is not None and port is not None:
        raise ConfigError("--port: nothing is served with --out; leave one of them out")
    watched = _watched(config_file, websocket, site)
    url = watched.websocket_url
    if url is None:
        click.echo(
            "note: no broker is named, so the page asks and may go to any by TLS: --config or --websocket names it",
            err=True,
        )
    elif url.startswith("ws:") and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        click.echo(f"note: {url}: passwords can be read on the way; let the broker listen with TLS (wss://)", err=True)
    if out is None:
        page.serve(watched, 8480 if port is None else port, lambda at: click.echo(f"watch at {at} until Ctrl-C"))
        click.echo("stopped")
        return
    headers = page.write(watched, out)
    click.echo(f"{out}: written. Let the web server send with every file, over https:")
    for name, value in headers.items():
        click.echo(f"  {name}: {value}")


def _watched(config_file: Path | None, websocket: str | None, site: str | None) -> Watched:
    from pydantic import TypeAdapter, ValidationError

    from agent.app import config, config_broker, config_section
    from agent.app.dashboard import Watched

    if config_file is not None:
        if websocket is not None or site is not None:
            raise ConfigError("--config: says both; leave --websocket and --site out")
        loaded = config.load(config_file)
        return Watched(loaded.broker.websocket, loaded.site.name)
    kinds: tuple[tuple[str, str | None, Any, str], ...] = (
        ("--websocket", websocket, config_broker.WebSocket, "write wss://host:port"),
        ("--site", site, config_section.Name, "write lower-case letters, digits and hyphens"),
    )
    for option, value, kind, form in kinds:
        try:
            if value is not None:
                TypeAdapter[str](kind).validate_python(value, strict=True)
        except ValidationError:
            raise ConfigError(f"{option}: {value!r} is none; {form}") from None
    return Watched(websocket, site)
