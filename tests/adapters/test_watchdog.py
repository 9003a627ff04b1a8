"""What systemd is told and hands over, over real sockets; without systemd nothing happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.channel import Channel
from agent.adapters.link_end import LinkEnd
from agent.adapters.watchdog import Watchdog, handed_over, watchdog
from agent.errors import ConfigError
from tests.app.running import until
from tests.conftest import ROOT


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    """systemd's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.settimeout(2)
        yield end


def test_the_three_words(heard: socket.socket) -> None:
    told = Watchdog(heard.getsockname())
    told.ready()
    told.feed()
    told.stopping()
    assert [heard.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_name() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0doorward-test-notify")
        end.settimeout(2)
        Watchdog("@doorward-test-notify").feed()
        assert end.recv(64) == b"WATCHDOG=1"


def test_nobody_to_be_told(heard: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Watchdog(None).ready()
    Watchdog(str(tmp_path / "gone")).feed()  # it has ended: the word is lost, nothing else happens
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    watchdog().ready()
    heard.setblocking(False)
    with pytest.raises(BlockingIOError):
        heard.recv(64)
    assert [path.name for path in tmp_path.iterdir()] == ["notify"], "no socket was made where there was none"


def test_the_environment_names_it_once(heard: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", heard.getsockname())
    watchdog().ready()
    assert heard.recv(64) == b"READY=1"
    assert "NOTIFY_SOCKET" not in os.environ, "processes that this one starts must not speak for it"


def test_what_was_meant_for_another_process_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert handed_over() is None
    assert handed_over() is None, "and nothing is there at all"


TAKES = """
    import os, socket, sys
    given = socket.socket(*{kind})
    if {kind}[0] == socket.AF_UNIX:
        given.bind(sys.argv[1])
    {listen}
    if given.fileno() != 3:
        os.dup2(given.fileno(), 3)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="{count}", LISTEN_FDNAMES="x")
    from agent.adapters.watchdog import handed_over
    taken = handed_over()
    print(taken.getsockname(), os.get_inheritable(3), "LISTEN_FDS" in os.environ)
"""


def takes(path: Path, kind: str, listen: str, count: int) -> subprocess.CompletedProcess[str]:
    """A process that is given a socket as its descriptor 3."""
    code = textwrap.dedent(TAKES.format(kind=kind, listen=listen, count=count))
    return subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True)


STREAM = "(socket.AF_UNIX, socket.SOCK_STREAM)"


def test_a_listening_socket_is_taken(tmp_path: Path) -> None:
    done = takes(tmp_path / "s", STREAM, "given.listen(1)", 1)
    assert done.stdout.split() == [str(tmp_path / "s"), "False", "False"], done.stderr


@pytest.mark.parametrize(
    ("kind", "listen", "count"),
    [
        (STREAM, "given.listen(1)", 2),
        (STREAM, "", 1),
        ("(socket.AF_UNIX, socket.SOCK_DGRAM)", "", 1),
        ("(socket.AF_INET, socket.SOCK_STREAM)", "given.listen(1)", 1),
    ],
)
def test_any_other_is_refused(tmp_path: Path, kind: str, listen: str, count: int) -> None:
    done = takes(tmp_path / "s", kind, listen, count)
    assert "ConfigError: unit: needs one .socket with one ListenStream= path" in done.stderr


def test_a_socket_that_is_systemd_s_outlives_the_channel(tmp_path: Path) -> None:
    path = tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        path.chmod(0o600)
        server.listen(1)
        channel = Channel(server.dup()).started()
        end = LinkEnd(path, lambda message: None, lambda there: None)
        end.start()
        until(lambda: channel.connected)
        end.close()
        channel.close()
        assert path.exists()


def test_a_socket_that_others_may_connect_to_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        path.chmod(0o660)
        with pytest.raises(ConfigError, match=r"link\.sock: open to other users; its \.socket needs SocketMode=0600$"):
            Channel(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket to another user")
def test_only_the_owner_of_the_path_is_served(tmp_path: Path) -> None:
    """Root may connect to any socket; the recogniser asks the kernel who it is, and cuts it off."""
    path = tmp_path / "link.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        path.chmod(0o600)
        server.listen(1)
        os.chown(path, 12345, -1)
        channel = Channel(server.dup()).started()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
            stranger.settimeout(5)
            stranger.connect(str(path))
            assert stranger.recv(1) == b""
        assert not channel.connected and channel.link == 0
        channel.close()
