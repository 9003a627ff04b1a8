"""`doorward device fill | needs | mud | erase`: what scripts/install and the network's operator need of a device."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from agent.errors import ConfigError, DeviceError

_CONFIG = click.option(
    "--config", "file", required=True, type=click.Path(path_type=Path), help="The device config (TOML)."
)


@click.command()
@click.argument("example", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--id", "device", required=True, help="Id of the device: lower-case letters, digits and hyphens.")
@click.option("--site", required=True, help="Name of the site.")
@click.option("--root-sha256", required=True, help="Fingerprint of the site's root: `doorward site show` prints it.")
@click.option("--repository", required=True, help="Address of the site repository, https://…/")
@click.option("--broker", required=True, help="Broker: HOST or HOST:PORT; 8883 unless it is said.")
@click.option("--keys", "backend", required=True, help="tpm2 or systemd-credentials.")
@click.option("--set", "more", multiple=True, metavar="TABLE.KEY=VALUE", help="Any other key of the config.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The config.")
def fill(
    example: Path,
    device: str,
    site: str,
    root_sha256: str,
    repository: str,
    broker: str,
    backend: str,
    more: tuple[str, ...],
    output: Path,
) -> None:
    """Write a device config from an example; nothing is written unless it is without a fault."""
    from agent.adapters.keys import write_whole
    from agent.app import config
    from agent.app.skeleton import INSTALLED, filled

    if output.exists():
        raise ConfigError(f"{output}: is there already and was left as it is; change it, or take it away")
    host, port = _address(broker)
    answers: dict[tuple[str, str], str | int] = {
        ("device", "id"): device,
        ("site", "name"): site,
        ("site", "root_sha256"): root_sha256.replace(" ", "").lower(),
        ("site", "repository"): repository if repository.endswith("/") else f"{repository}/",
        ("broker", "host"): host,
        ("broker", "port"): port,
        ("keys", "backend"): backend,
        **INSTALLED,
        **dict(map(_more, more)),
    }
    try:
        text = example.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{example}: cannot be read ({error}); name an example of device_config") from None
    tried = output.with_name(f".{output.name}.tried")
    try:
        tried.write_text(filled(text, answers), "utf-8")
        config.load(tried)
        write_whole(output, tried.read_bytes(), 0o640)
    except OSError as error:
        raise DeviceError(f"{output}: {error.strerror}; check the folder") from None
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(tried), str(output))) from None
    finally:
        tried.unlink(missing_ok=True)
    click.echo(f"{output}: written")


def _address(broker: str) -> tuple[str, int]:
    host, colon, port = broker.rpartition(":")
    if not colon or "]" in port or (":" in host and "[" not in host):  # the last: an address of IPv6 without brackets
        return broker.strip("[]"), 8883
    if not port.isdecimal():
        raise ConfigError(f"--broker: {port!r} is no port; give HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def _more(text: str) -> tuple[tuple[str, str], str | int]:
    key, sign, value = text.partition("=")
    table, dot, name = key.rpartition(".")
    if not (sign and dot):
        raise ConfigError(f"--set: {text!r} is not TABLE.KEY=VALUE")
    return (table, name), int(value) if value.isdecimal() else value


@click.command()
@_CONFIG
def needs(file: Path) -> None:
    """Say what the config asks of this machine: devices, keys, a camera's address, Python libraries.

    One a line, for scripts/install, which lays the units by it.
    """
    from agent.app import config
    from agent.app.needs import needs as found

    for line in list(found(config.load(file))):
        click.echo(line)


@click.command()
@_CONFIG
@click.option("--url", required=True, help="Where the file will be served, https://…; the device names it by DHCP.")
@click.option("--ntp", multiple=True, help="Host of a time server; may be given several times.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it here instead.")
def mud(file: Path, url: str, ntp: tuple[str, ...], output: Path | None) -> None:
    """Write the device's MUD file (RFC 8520): to whom alone the network need let it speak."""
    from agent.adapters.keys import write_whole
    from agent.app import config
    from agent.app.mud import mud as made

    text = json.dumps(made(config.load(file), url=url, ntp=ntp, now_s=time.time()), indent=1) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    write_whole(output, text.encode(), 0o644)
    click.echo(f"{output}: for {url}")


@click.command()
@_CONFIG
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(file: Path, yes: bool) -> None:
    """Destroy the device's keys, and with them the vault: nobody enrolled here can be recognised again.

    The device must be stopped. The ledger stays readable; retire the device and remove it from the site's policy too.
    """
    from agent.app import config
    from agent.app.keys import destroy_keys
    from agent.app.recogniser import alone

    loaded = config.load(file)
    if not yes:
        click.confirm(f"Destroy the keys in {loaded.state} for ever?", abort=True)
    with alone(loaded.state):
        gone = destroy_keys(loaded)
    click.echo(f"{loaded.state}: keys destroyed: {', '.join(gone)}" if gone else f"{loaded.state}: holds no keys")
