"""The device config: every fault with file, line and rule; the commands that read it end with 2 and say them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from agent.app.config import DeviceConfig, load
from agent.app.link_settings import settings_of
from agent.app.sources import parts
from agent.errors import ConfigError

GOOD = """\
# A gate with a recording.
[device]
id = "gate-1"
state = "state"
insecure_dev = true

[site]
name = "yard"
root_sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
repository = "https://site.example/yard/"
repository_ca = "tls/site.pem"

[camera]
kind = "recording"
file = "stills"

[models]
directory = "models"

[broker]
host = "broker.example"
port = 8883
user = "gate-1"
password_file = "password"
websocket = "wss://broker.example:9001/mqtt"
[broker.tls]
ca = "tls/ca.pem"
certificate = "tls/gate.pem"
key = "tls/gate.key"
[page]
port = 0
[preview]
empty = "empty.png"
"""


class Folder:
    """A folder in which everything lies that the good config names."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "device.toml"
        for name in ("stills", "models", "tls"):
            (folder / name).mkdir()
        for name in ("tls/site.pem", "tls/ca.pem", "tls/gate.pem", "tls/gate.key", "password", "empty.png"):
            (folder / name).touch()
        self.file.write_text(GOOD)

    def change(self, *changes: tuple[str, str]) -> None:
        text = GOOD
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.file.write_text(text)

    def faults(self) -> list[tuple[int, str]]:
        """Line and the rest of each fault; each begins with the file."""
        with pytest.raises(ConfigError) as caught:
            load(self.file)
        found = [
            re.fullmatch(rf"{re.escape(str(self.file))}:(\d+): (.+)", line) for line in str(caught.value).split("\n")
        ]
        assert all(found), str(caught.value)
        return [(int(match[1]), match[2]) for match in found if match]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def line_of(text: str) -> int:
    return GOOD[: GOOD.index(text)].count("\n") + 1


def test_a_good_config_gives_what_it_says_with_paths_beside_the_file(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    for named in (folder.file, Path(os.path.relpath(folder.file))):
        config = load(named)
        assert (config.device.id, config.site.check_every_s, config.camera.stall_s) == ("gate-1", 60.0, 2.0)
        assert (config.state, config.socket) == (tmp_path / "state", tmp_path / "state" / "link.sock")
        assert config.path(config.models.directory) == tmp_path / "models"
    settings = settings_of(config)
    assert (settings.tls, settings.ca, settings.cert) == (True, tmp_path / "tls/ca.pem", tmp_path / "tls/gate.pem")
    assert (settings.key, settings.password_file) == (tmp_path / "tls/gate.key", tmp_path / "password")
    assert (settings.repository_url, settings.repository_ca) == (
        "https://site.example/yard/",
        tmp_path / "tls/site.pem",
    )
    assert (settings.user, settings.protocol, settings.acknowledge) == ("gate-1", "5", "puback")


@pytest.mark.parametrize(
    "keys", ["backend = 'tpm2'", "backend = 'tpm2'\ntcti = 'device:/dev/tpmrm0'", "backend = 'systemd-credentials'"]
)
def test_sealed_keys_need_no_word_about_development(folder: Folder, keys: str) -> None:
    folder.change(("insecure_dev = true", f"[keys]\n{keys}"))
    config = load(folder.file)
    assert (config.device.insecure_dev, config.keys.backend in keys) == (False, True)


def test_without_a_word_about_keys_they_would_be_plain(folder: Folder) -> None:
    folder.change(("insecure_dev = true", ""))
    assert folder.faults() == [
        (
            1,
            'keys: plain keys are for a desktop: choose backend = "tpm2" or "systemd-credentials", or set '
            "insecure_dev = true under [device]",
        )
    ]


def test_further_brokers_home_assistant_and_the_share_of_the_disk(folder: Folder) -> None:
    assert settings_of(load(folder.file)).others == () and load(folder.file).device.outbox_share == 0.25
    text = GOOD.replace("insecure_dev = true", "insecure_dev = true\noutbox_share = 0.5")
    more = 'fallback = [{ host = "b.example", port = 8883 }, { host = "c.example", port = 1 }]\nhome_assistant = "ha"\n'
    folder.file.write_text(text.replace("[broker]\n", "[broker]\n" + more))
    config = load(folder.file)
    settings = settings_of(config)
    assert settings.others == (("b.example", 8883), ("c.example", 1))
    assert (settings.home_assistant, config.device.outbox_share) == ("ha", 0.5)
    for old, new, field in (
        ("8883 }", '"8883" }', "broker.fallback.0.port"),
        ("port = 1 }", "port = 1, user = 'x' }", "broker.fallback.1.user"),
        ('"ha"', '"ha/#"', "broker.home_assistant"),
        ("= 0.5", "= 0.95", "device.outbox_share"),
    ):
        broken = text.replace("[broker]\n", "[broker]\n" + more)
        assert broken.count(old) == 1
        folder.file.write_text(broken.replace(old, new))
        with pytest.raises(ConfigError, match=rf"device\.toml:\d+: {field}: ") as caught:
            load(folder.file)
        assert "\n" not in str(caught.value)


def test_without_tls_and_user_the_link_has_neither(folder: Folder) -> None:
    text = re.sub(r"\[broker.tls\](\n\w+ = .*)+", "", GOOD)
    folder.file.write_text(re.sub(r"(user|password_file|repository_ca) = .*\n", "", text))
    settings = settings_of(load(folder.file))
    assert (settings.tls, settings.ca, settings.cert, settings.key) == (False, None, None, None)
    assert (settings.user, settings.password_file, settings.repository_ca) == (None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        ('id = "gate-1"', "id = 7", "device.id", "Input should be a valid string"),
        ('id = "gate-1"', 'id = "Gate 1"', "device.id", "String should match pattern"),
        ('id = "gate-1"\n', "\n", "device.id", "missing; add it"),
        ('id = "gate-1"', "id = 2026-01-01", "device.id", "Input should be a valid string"),
        ("insecure_dev = true", 'insecure_dev = "yes"', "device.insecure_dev", "Input should be a valid boolean"),
        ("insecure_dev = true", "insecure_dev = 1", "device.insecure_dev", "Input should be a valid boolean"),
        ("insecure_dev = true", "insecure_dev = true\nenabled = true", "device.enabled", "unknown key; remove it"),
        ("insecure_dev = true", "[keys]\nbackend = 'plain'", "keys", "plain keys are for a desktop"),
        ("insecure_dev = true", "[keys]\nbackend = 'tpm'", "keys.backend", "Input should be 'plain'"),
        ("insecure_dev = true", "[keys]\nbackend = 'tpm2'\ntcti = 'a b'", "keys.tcti", "String should match pattern"),
        ("insecure_dev = true", "[keys]\nbackend = 'systemd-credentials'\ntcti = 'device'", "keys", "remove tcti"),
        ("insecure_dev = true", "[keys]\nbackend = 'tpm2'\npcrs = 1", "keys.pcrs", "unknown key; remove it"),
        ('state = "state"', 'state = ""', "device.state", "String should have at least 1 character"),
        ('state = "state"', 'state = "a\\u0000b"', "device.state", "String should match pattern"),
        ('name = "yard"', 'name = "a/#"', "site.name", "String should match pattern"),
        ('name = "yard"', 'name = "yard"\ncheck_every_s = 0.1', "site.check_every_s", "greater than or equal to 0.5"),
        ('name = "yard"', 'name = "yard"\ncheck_every_s = nan', "site.check_every_s", "Input should be"),
        ('name = "yard"', 'name = "yard"\ncheck_every_s = inf', "site.check_every_s", "less than or equal to 86400"),
        ('"https://site.example/yard/"', '"https://site.example"', "site.repository", "String should match pattern"),
        ('"https://site.example/yard/"', '"http://site.example/"', "site.repository", "needs https; plain http"),
        ('"https://site.example/yard/"', '"https://:80/"', "site.repository", "needs https; plain http"),
        (
            'kind = "recording"',
            'kind = "webcam"',
            "camera.kind",
            "should be one of 'simulated', 'recording', 'picamera2'",
        ),
        ('kind = "recording"\n', "", "camera.kind", "missing; add it"),
        ('file = "stills"\n', "\n", "camera.file", "missing; add it"),
        ('file = "stills"', 'file = "stills"\nfps = 15', "camera.fps", "unknown key; remove it"),
        ('file = "stills"', 'file = "stills"\nstall_s = 60', "camera.stall_s", "less than or equal to 30"),
        ('directory = "models"', 'directory = "models"\nthreads = 5', "models.threads", "less than or equal to 4"),
        ("port = 8883", "port = 0", "broker.port", "greater than or equal to 1"),
        ("port = 8883", "port = 8883.0", "broker.port", "Input should be a valid integer"),
        ("port = 8883", "port = true", "broker.port", "Input should be a valid integer"),
        ("port = 8883", 'port = 8883\nprotocol = "4"', "broker.protocol", "Input should be '5' or '3.1.1'"),
        ("port = 8883", 'port = 8883\nprotocol = "3.1.1"', "broker", 'set acknowledge = "consumer", or protocol = "5"'),
        ("port = 8883", 'port = 8883\nacknowledge = "no"', "broker.acknowledge", "Input should be 'consumer' or"),
        ("wss://broker.example:9001/mqtt", "ws://a;b", "broker.websocket", "String should match pattern"),
        ('user = "gate-1"\n', "\n", "broker", "a password needs a user"),
        ('key = "tls/gate.key"\n', "\n", "broker.tls", "certificate and key go together"),
        ('ca = "tls/ca.pem"', 'ca = "tls/ca.pem"\nverify = false', "broker.tls.verify", "unknown key; remove it"),
        ("[preview]", "[preview]\nevery_s = 0.0", "preview.every_s", "greater than or equal to 0.1"),
        ("[preview]", "[debug]\nframes = true\n[preview]", "debug", "unknown key; remove it"),
        ("# A gate", 'base = "/tmp"\n# A gate', "base", "unknown key; remove it"),
    ],
)
def test_each_fault_has_its_line_field_and_rule(folder: Folder, old: str, new: str, field: str, rule: str) -> None:
    folder.change((old, new))
    ((line, words),) = folder.faults()
    assert words.startswith(f"{field}: ") and rule in words
    leaf, text = field.rsplit(".", 1)[-1], folder.file.read_text().split("\n")
    assert re.match(rf"\[?{leaf}\b|\[{re.escape(field)}\]|\[{field.split('.')[0]}\]", text[line - 1]), text[line - 1]


def test_all_faults_are_listed_at_once(folder: Folder) -> None:
    folder.change(('id = "gate-1"', "id = 7"), ("port = 8883", "port = 70000"), ("[page]", "[pages]"))
    assert folder.faults() == [
        (line_of('id = "gate-1"'), "device.id: Input should be a valid string; put it in quotes"),
        (line_of("port = 8883"), "broker.port: Input should be less than or equal to 65535; choose a smaller one"),
        (line_of("[page]"), "pages: unknown key; remove it or correct its spelling"),
    ]


def test_every_file_that_is_named_must_be_there(folder: Folder, tmp_path: Path) -> None:
    for name in ("tls/site.pem", "tls/ca.pem", "tls/gate.pem", "tls/gate.key", "password", "empty.png"):
        (tmp_path / name).unlink()
    for name in ("stills", "models"):
        (tmp_path / name).rmdir()
    found = folder.faults()
    assert [words.split(":")[0] for _, words in found] == [
        "site.repository_ca",
        "camera.file",
        "models.directory",
        "broker.password_file",
        "broker.tls.ca",
        "broker.tls.certificate",
        "broker.tls.key",
        "preview.empty",
    ]
    assert (
        line_of("password_file"),
        f"broker.password_file: {tmp_path}/password is not there; correct the path",
    ) in found


@pytest.mark.parametrize("name", ["x" * 1000, "loop", "device.toml/below"])
def test_a_path_that_nothing_can_have_is_not_there(folder: Folder, tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    folder.change(('directory = "models"', f'directory = "{name}"'))
    ((line, words),) = folder.faults()
    assert line == line_of("directory")
    assert words.startswith("models.directory: ") and words.endswith("is not there; correct the path")


def test_lines_are_found_whatever_the_key_looks_like(folder: Folder) -> None:
    folder.file.write_bytes(
        b"device = { id = 7, state = 's' }\r\n[ \"site\" ]\r\nname.x = 1\r\n# port = 1\r\n'root_sha256' = 3\r\n"
        b"[camera]\r\nkind = 'recording'\r\n[models]\r\n[broker]\r\nhost = 'h'\r\ntls.ca = 7\r\n"
    )
    found = folder.faults()
    assert [(line, words.split(":")[0]) for line, words in found] == [
        (1, "device.id"),
        (2, "site.repository"),
        (3, "site.name"),
        (5, "site.root_sha256"),
        (6, "camera.file"),
        (8, "models.directory"),
        (9, "broker.port"),
        (11, "broker.tls.ca"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("[device\nid = 1", 1, "Expected ']'"),
        ("[device]\nid = ", 2, "Invalid value"),
        ('a = 1\nb = "x', 2, "Unterminated string"),
        ("a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        ("a = " + "[" * 5000, 1, "a number or a nesting without end"),
        ("a = " + "9" * 5000, 1, "a number or a nesting without end"),
        ('a = "\0"', 1, "Illegal character"),
    ],
)
def test_what_is_not_toml_says_where(folder: Folder, text: str, line: int, rule: str) -> None:
    folder.file.write_text(text)
    ((found, words),) = folder.faults()
    assert found == line
    assert words.startswith("not TOML: ") and rule in words


def test_an_empty_file_misses_everything(folder: Folder) -> None:
    folder.file.write_text("")
    assert folder.faults() == [
        (1, f"{name}: missing; add it") for name in ("broker", "camera", "device", "models", "site")
    ]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    (tmp_path / "large.toml").write_bytes(b"#" * 70_000)
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    for name, why in (
        ("missing.toml", "No such file or directory"),
        ("", "Is a directory"),
        ("latin.toml", "not UTF-8 text"),
        ("large.toml", "larger than 64 KiB"),
        ("loop.toml", "Too many levels of symbolic links"),
    ):
        with pytest.raises(ConfigError, match=rf"^{re.escape(str(tmp_path / name))}: cannot be read \({why}\); name a"):
            load(tmp_path / name)


def test_nothing_secret_is_repeated(folder: Folder) -> None:
    folder.change(('user = "gate-1"', 'user = 1\npassword = "hunter2"'))
    assert "hunter2" not in str(folder.faults())


def test_a_simulated_camera_or_position_belongs_to_the_demo(folder: Folder, tmp_path: Path) -> None:
    def made(*changes: tuple[str, str]) -> DeviceConfig:
        folder.change(*changes)
        return load(folder.file)

    (tmp_path / "scene.toml").touch()
    scene = ('kind = "recording"\nfile = "stills"', 'kind = "simulated"\nscene = "scene.toml"')
    position = ("[page]", '[position]\nkind = "simulated"\n[page]')
    for changes in ((scene,), (position,)):
        with pytest.raises(ConfigError, match="is played by scripts/demo"):
            parts(made(*changes), print)
    brought = parts(made(), print)
    assert brought.open_locator is None and brought.open_reader is None
    assert brought.embedder(None) is None  # type: ignore[arg-type]


SERIAL = '[position]\nkind = "serial"\nport = "/dev/serial0"\nbaud = 38400\nuere_m = 5.0\n[page]'


def test_a_serial_receiver_is_read_when_the_recogniser_opens_it(folder: Folder) -> None:
    folder.change(("[page]", SERIAL.replace("/dev/serial0", "/dev/null")))
    said: list[str] = []
    told = Event()

    def report(line: str) -> None:
        said.append(line)
        told.set()

    open_locator = parts(load(folder.file), report).open_locator
    assert open_locator is not None and not said
    locator = open_locator()
    assert told.wait(5)
    locator.close()
    assert said == ["position: /dev/null: not a serial line; see to the receiver and position.port; it is tried again"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('port = "/dev/serial0"\n', "", "position: a serial receiver names its port"),
        ('kind = "serial"', 'kind = "none"', "position: a serial receiver names its port"),
        ('"/dev/serial0"', '"serial0"', "position.port: "),
        ("38400", "38401", "position.baud: "),
        ("5.0", "0.0", "position.uere_m: "),
        ("uere_m", "uere", "position.uere: unknown key"),
    ],
)
def test_a_receiver_is_held_to_its_rules(folder: Folder, old: str, new: str, field: str) -> None:
    folder.change(("[page]", SERIAL.replace(old, new)))
    with pytest.raises(ConfigError) as caught:
        load(folder.file)
    assert len(str(caught.value).splitlines()) == 1 and field in str(caught.value)


READER = '[reader]\nport = "/dev/ttyUSB0"\nbaud = 1200\n[page]'


def test_a_reader_of_cards_is_opened_by_the_recogniser(folder: Folder) -> None:
    folder.change(("[page]", READER.replace("/dev/ttyUSB0", "/dev/null")))
    said: list[str] = []
    told = Event()

    def report(line: str) -> None:
        said.append(line)
        told.set()

    open_reader = parts(load(folder.file), report).open_reader
    assert open_reader is not None and not said
    reader = open_reader()
    assert told.wait(5)
    reader.close()
    assert said == ["reader: /dev/null: not a serial line; see to the reader and reader.port; it is tried again"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('port = "/dev/ttyUSB0"\n', "", "reader.port: missing"),
        ('"/dev/ttyUSB0"', '"ttyUSB0"', "reader.port: "),
        ("1200", "1201", "reader.baud: "),
        ("baud", "opens", "reader.opens: unknown key"),
    ],
)
def test_a_reader_is_held_to_its_rules(folder: Folder, old: str, new: str, field: str) -> None:
    folder.change(("[page]", READER.replace(old, new)))
    with pytest.raises(ConfigError) as caught:
        load(folder.file)
    assert len(str(caught.value).splitlines()) == 1 and field in str(caught.value)


@pytest.mark.parametrize("command", ["check", "recogniser", "link"])
def test_the_commands_end_with_2_and_every_fault(folder: Folder, command: str) -> None:
    folder.change(('id = "gate-1"', "id = 7"), ("[page]", "[pages]"))
    done = doorward(command, "--config", str(folder.file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.split("\n") == [
        f"doorward: {folder.file}:{line_of('id =')}: device.id: Input should be a valid string; put it in quotes",
        f"{folder.file}:{line_of('[page]')}: pages: unknown key; remove it or correct its spelling",
        "",
    ]


@pytest.mark.parametrize("command", ["check", "recogniser", "link"])
def test_the_commands_end_with_2_without_a_config(tmp_path: Path, command: str) -> None:
    missing = tmp_path / "missing.toml"
    done = doorward(command, "--config", str(missing))
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == f"doorward: {missing}: cannot be read (No such file or directory); name a device config file\n"
    )


def test_a_command_asks_for_its_config() -> None:
    done = doorward("check")
    assert done.returncode == 2
    assert "Missing option '--config'" in done.stderr and "Traceback" not in done.stderr


def test_check_says_that_nothing_is_wrong(folder: Folder) -> None:
    done = doorward("check", "--offline", "--config", str(folder.file))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{folder.file}: nothing wrong\n", "")


def test_a_state_folder_that_cannot_be_made_is_one_line(folder: Folder, tmp_path: Path) -> None:
    folder.change(('state = "state"', 'state = "password/state"'))
    done = doorward("recogniser", "--config", str(folder.file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"doorward: {tmp_path}/password/state: Not a directory; correct device.state, or who owns the folder\n"
    )


def test_a_device_without_keys_says_how_to_make_them(folder: Folder, tmp_path: Path) -> None:
    done = doorward("recogniser", "--config", str(folder.file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"doorward: {tmp_path}/state/keys.json: No such file or directory; "
        "make the device's keys with 'doorward device init'\n"
    )


def doorward(*words: str) -> subprocess.CompletedProcess[str]:
    start = "from agent.cli import main; main()"
    return subprocess.run([sys.executable, "-c", start, *words], capture_output=True, text=True, timeout=60)
