"""`doorward dashboard` as it is typed: what it serves, what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agent.adapters.page import strict_headers
from tests.app.door import site
from tests.conftest import ROOT
from tests.dashboard.browser import Watched, chromium

FILES = ROOT / "agent" / "dashboard"
BROKER = "wss://broker.example:9001/mqtt"
STRICT = (
    "default-src 'self'; connect-src 'self' wss://broker.example:9001; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
COMMAND = [str(Path(sys.executable).with_name("doorward")), "dashboard"]


def run(*words: object, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *(str(word) for word in words)], capture_output=True, text=True, umask=umask, timeout=60
    )
    assert "Traceback" not in done.stderr
    return done


def fault(*words: object) -> str:
    done = run(*words)
    assert done.returncode == 2, done.stdout
    [line] = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    return line


@contextmanager
def serving(*words: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the page's address."""
    with subprocess.Popen(
        [*COMMAND, *(str(word) for word in words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            assert said.startswith("watch at http://127.0.0.1:") and said.endswith("/ until Ctrl-C\n"), said
            yield process, said.split()[2]
        finally:
            process.kill()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Served ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_is_served_strictly_until_it_is_ended(number: signal.Signals) -> None:
    with serving("--port", 0, "--websocket", BROKER, "--site", "yard") as (process, url):
        connection = HTTPConnection(urlsplit(url).netloc, timeout=5)
        for path in ("/", "/page.json", "/verify.js"):
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200 and answer.headers["Content-Security-Policy"] == STRICT
            if path == "/page.json":
                told = json.loads(body)
        assert (told["websocket"], told["site"], told["device"]) == (BROKER, "yard", None)
        assert told["prefix"] == "doorward/v1/yard"
        connection.close()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout is not None and process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == ("stopped\n", "")


def test_signatures_can_be_checked_on_it() -> None:
    with serving("--port", 0) as (_, url), chromium() as browser:
        watched = Watched(browser)
        watched.page.goto(f"{url}icon.svg")
        assert watched.page.evaluate("import('/verify.js').then(({ available }) => available())") is True
        assert not any("Content Security Policy" in said for said in watched.complaints)
        watched.close()


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = fault("--port", port)
    assert said == f"doorward: --port: {port}: Address already in use; choose another, or 0 for a free one"


def test_what_it_cannot_do_live_or_safely_it_says(tmp_path: Path) -> None:
    done = run("--out", tmp_path / "b")
    assert "the page asks and may go to any by TLS: --config or --websocket names it" in done.stderr
    assert "connect-src 'self' wss: ws://127.0.0.1:* ws://localhost:*; frame" in done.stdout
    assert "passwords can be read on the way" in run("--out", tmp_path / "c", "--websocket", "ws://other:1").stderr
    for plain in ("ws://127.0.0.1:9001", BROKER):
        assert run("--out", tmp_path / "d", "--websocket", plain).stderr == ""


@pytest.mark.parametrize(("block", "word"), [("nginx", "add_header"), ("caddy", "header")])
def test_the_headers_of_the_documentation_are_those_that_are_sent(block: str, word: str) -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    [server] = re.findall(rf"```{block}\n(.*?)```", text, re.DOTALL)
    told = dict(re.findall(rf'^ +{word} (\S+) "(.*?)"', server, re.MULTILINE))
    assert told == strict_headers(BROKER)


# Written -----------------------------------------------------------------------------------------------------------


def test_the_folder_holds_the_page_and_what_it_must_know_and_the_headers_are_told(tmp_path: Path) -> None:
    done = run("--out", tmp_path / "web", "--websocket", BROKER, "--site", "yard", umask=0o077)
    assert done.returncode == 0 and done.stderr == ""
    assert f"  Content-Security-Policy: {STRICT}\n" in done.stdout
    written = files(tmp_path / "web")
    told = json.loads(written.pop("page.json"))
    assert (told["websocket"], told["prefix"]) == (BROKER, "doorward/v1/yard")
    assert written.pop(".doorward-dashboard")
    assert written == files(FILES)
    for path in (tmp_path / "web").rglob("*"):  # whom a web server runs as is not who wrote it
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    assert (tmp_path / "web").stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["web"]


def test_a_config_says_site_and_broker_and_never_how_to_enter(tmp_path: Path) -> None:
    device = site(tmp_path / "gate")
    device.server.close()
    (device.config.parent / "password").write_text("correct horse battery\n")
    text = device.config.read_text().replace("port = 1883", 'port = 1883\nuser = "me"\npassword_file = "password"')
    device.config.write_text(text)
    done = run("--out", tmp_path / "web", "--config", device.config)
    assert done.returncode == 0, done.stderr
    everything = b"".join(files(tmp_path / "web").values()) + done.stdout.encode()
    told = json.loads((tmp_path / "web" / "page.json").read_text())
    assert (told["websocket"], told["site"]) == ("ws://127.0.0.1:9001", device.site)
    assert b"correct horse" not in everything and "me" not in told.values() and "user" not in told
    assert "--config: says both" in fault("--config", device.config, "--site", "yard", "--out", tmp_path / "x")


def test_it_is_written_again_over_itself_and_an_empty_folder_is_taken(tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    assert run("--out", web).returncode == 0
    (web / "app.js").write_text("old")
    mark = web / ".doorward-dashboard"
    (web / "gone.js").write_text("of an earlier version")
    mark.write_text(json.dumps([*json.loads(mark.read_text()), "gone.js"]))
    (tmp_path / ".web.part").mkdir()  # of one that was killed
    (tmp_path / ".web.old").mkdir()
    assert run("--out", web, "--websocket", BROKER).returncode == 0
    assert not (web / "gone.js").exists()
    assert (web / "app.js").read_bytes() == (FILES / "app.js").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["web"]


@pytest.mark.parametrize("mark", [None, "{", "3", "[]", '["index.html"]'])
def test_a_folder_of_somebody_else_s_is_left_alone(tmp_path: Path, mark: str | None) -> None:
    web = tmp_path / "web"
    (web / "deep").mkdir(parents=True)
    (web / "index.html").write_text("my own")
    (web / "deep" / "photo.jpg").write_text("mine")
    if mark is not None:
        (web / ".doorward-dashboard").write_text(mark)
    before = files(web)
    said = fault("--out", web)
    assert said.startswith(f"doorward: --out: {web}: holds ") and "did not write" in said
    assert files(web) == before and os.listdir(tmp_path) == ["web"]


def test_a_file_added_to_our_folder_is_not_taken_away(tmp_path: Path) -> None:
    web = tmp_path / "web"
    assert run("--out", web).returncode == 0
    (web / "robots.txt").write_text("User-agent: *\n")
    assert "holds robots.txt, which this command did not write" in fault("--out", web)
    assert (web / "robots.txt").exists()


def test_what_is_no_folder_or_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        assert f"{name}: not a folder of its own" in fault("--out", tmp_path / name)
    assert "Not a directory; name a folder whose parent" in fault("--out", tmp_path / "file" / "web")
    assert "No such file or directory; name a folder whose parent" in fault("--out", tmp_path / "no" / "web")
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--websocket", "https://broker"), "--websocket: 'https://broker' is none; write wss://host:port"),
        (("--websocket", "ws://a;script-src *"), "--websocket: 'ws://a;script-src *' is none"),
        (("--site", "yard/#"), "--site: 'yard/#' is none; write lower-case letters"),
        (("--out", "x", "--port", "1"), "--port: nothing is served with --out"),
        (("--config", "none.toml"), "none.toml: cannot be read"),
    ],
)
def test_a_wrong_word_is_one_line(words: tuple[str, ...], said: str) -> None:
    assert said in fault(*words)
