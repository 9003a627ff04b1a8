"""Commands: each parses its arguments, calls one room, and prints one clear line when something is wrong.

Groups are imported only when they are called, so that `doorward --help` costs nothing and a device never loads what
only the authority needs.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click

from agent import __version__
from agent.errors import DoorwardError

_COMMANDS: Final = {
    "recogniser": ("agent.cli.processes", "recogniser", "Run the recogniser: camera, gate, vault, ledger; no network."),
    "link": ("agent.cli.processes", "link", "Run the link: broker, page, site repository; no camera, no vault."),
    "rtsp": ("agent.cli.processes", "rtsp", "Run the reader of a network camera; no keys."),
    "check": ("agent.cli.processes", "check", "Check a device config; every fault by file, line and rule."),
    "aim": ("agent.cli.aim", "aim", "Aim the camera: its view in blocks, focus, light and pose; nobody is recognised."),
    "device": ("agent.cli.device", "device", "Make and show a device's keys; tell a station to which key it seals."),
    "site": ("agent.cli.site", "site", "The authority: make, publish and restrict a site's policy."),
    "policy": ("agent.cli.policy", "policy", "What the rules demand, and whether they are met here and now."),
    "people": ("agent.cli.people", "people", "Those who agreed: consent, enrolment, what is stored, and its end."),
    "sign": (
        "agent.cli.sign",
        "sign",
        "Print the site's sign, attest it where it hangs; no-recognition cards.",
    ),
    "pass": ("agent.cli.passes", "passes", "The way without a face: passes; cards and PINs for 1:1."),
    "events": ("agent.cli.events", "events", "Open a site's sealed events."),
    "command": ("agent.cli.command", "command", "Write a command for a device: stop, check, resume."),
    "ledger": ("agent.cli.ledger", "ledger", "Verify a device's ledger offline."),
    "dashboard": ("agent.cli.dashboard", "dashboard", "The watcher's page: served here, or written for a web server."),
    "report": ("agent.cli.report", "report", "Report for auditors: rules kept over time, with the evidence."),
    "models": ("agent.cli.models", "models", "Build and verify the models."),
    "bench": ("agent.cli.bench", "bench", "How fast the agent is on this machine; from a checkout alone."),
}
"""Name -> module, object in it, one line of help."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_Lazy)
@click.version_option(__version__, prog_name="doorward")
def doorward() -> None:
    """Doorward recognises only people who agreed, only where, when and for what a signed policy allows."""


def main() -> None:
    """Entry point; the five errors become one message and exit code 2, never a traceback."""
    try:
        code = doorward.main(standalone_mode=False)
        if code:  # of a command that ended itself with `Exit`
            sys.exit(code)
    except DoorwardError as error:
        click.echo(f"doorward: {error}", err=True)
        sys.exit(2)
    except click.Abort:
        click.echo("doorward: stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
