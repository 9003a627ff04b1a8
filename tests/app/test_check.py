"""`doorward check` against a real broker in every state that an installer meets, and what it says to do."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.adapters.broker import EmbeddedBroker
from agent.app.check import Finding, Level, findings
from agent.app.config import load
from agent.app.link_settings import LinkSettings, settings_of
from agent.app.timekeeping import BUILT_S
from agent.cli import doorward
from agent.errors import ConfigError, LinkError
from tests.adapters.certificates import (
    Certificates,
    issue_client,
    issue_future,
    issue_server,
    make_certificates,
)
from tests.adapters.mosquitto import Mosquitto, Observer, password_lines, tls_lines
from tests.app.door import site
from tests.app.running import DEVICE, SITE

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"), lasting=400)


@contextmanager
def broker(folder: Path, port: int, lines: Sequence[str]) -> Iterator[Mosquitto]:
    made = Mosquitto(folder, port, lines)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def tls(certificates: Certificates, port: int) -> LinkSettings:
    ours = certificates
    return LinkSettings(
        Path("link.sock"), SITE, DEVICE, broker_port=port, ca=ours.ca, cert=ours.client_cert, key=ours.client_key
    )


def plain(port: int, **more: object) -> LinkSettings:
    return replace(LinkSettings(Path("link.sock"), SITE, DEVICE, broker_port=port, tls=False), **more)  # type: ignore[arg-type]


def found(settings: LinkSettings, now_s: float | None = None) -> list[Finding]:
    return list(findings(settings, time.time() if now_s is None else now_s))


def only(all_: list[Finding], level: Level) -> str:
    """The words of the one finding of this level."""
    [one] = [each for each in all_ if each.level is level]
    return one.words


# What is right -----------------------------------------------------------------------------------------------------


def test_where_nothing_is_wrong_each_step_is_good(tmp_path: Path, free_port: int, certificates: Certificates) -> None:
    with broker(tmp_path, free_port, tls_lines(certificates)):
        told = found(tls(certificates, free_port))
    assert {each.level for each in told} == {Level.GOOD}
    words = "\n".join(each.words for each in told)
    until = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 400 * DAY_S))
    for part in (
        f"ca.pem (ca) until {until}",
        f"client.pem (gate-1) until {until}",
        f"TLSv1.3, its certificate until {until}",
        "let in as certificate of gate-1, MQTT 5",
        f"may write doorward/v1/{SITE}/{DEVICE}/ status, compliance, metrics, events, ledger, notice, ack",
    ):
        assert part in words


def test_it_throws_no_link_out_and_leaves_nothing_on_the_broker(tmp_path: Path, free_port: int) -> None:
    with broker(tmp_path, free_port, ["allow_anonymous true"]) as running:
        before = Observer(free_port)
        assert {each.level for each in found(plain(free_port))} == {Level.GOOD}
        tried = [each for each in before.now()]
        after = Observer(free_port)
        assert after.now() == []
        assert len(tried) == 7 and all(not each.payload and not each.retained for each in tried)
        assert not any("already connected" in line for line in running.said)
        before.close()
        after.close()


# The certificates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ("expired_cert", "its certificate is over ("),
        (
            "elsewhere_cert",
            "its certificate is for elsewhere.example, not for 127.0.0.1; write that name in broker.host",
        ),
    ],
)
def test_a_brokers_certificate_that_will_not_do_is_named(
    tmp_path: Path, free_port: int, certificates: Certificates, server: str, words: str
) -> None:
    with broker(tmp_path, free_port, tls_lines(certificates, getattr(certificates, server))):
        assert words in only(found(tls(certificates, free_port)), Level.FAULT)


def test_a_broker_of_another_authority_is_named(tmp_path: Path, free_port: int, certificates: Certificates) -> None:
    with broker(tmp_path, free_port, tls_lines(certificates)):
        said = only(found(replace(tls(certificates, free_port), ca=certificates.other_ca)), Level.FAULT)
    assert "not of other-ca.pem" in said and "copy the CA that issued it to broker.tls.ca" in said


@pytest.mark.parametrize(("days", "level"), [(10, Level.WARNING), (29, Level.WARNING), (30, Level.GOOD)])
def test_a_certificate_that_ends_soon_is_told_of_while_there_is_time(
    tmp_path: Path, free_port: int, certificates: Certificates, days: int, level: Level
) -> None:
    server = issue_server(certificates, f"in-{days}", days)
    with broker(tmp_path, free_port, tls_lines(certificates, server)):
        told = found(tls(certificates, free_port))
    date = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY_S))
    assert {each.level for each in told} == {Level.GOOD, level}
    if level is Level.WARNING:
        assert f"its certificate ends in {days} days, on {date}; issue a new one before" in only(told, level)


def test_a_clock_that_is_behind_shows_in_the_certificates(
    tmp_path: Path, free_port: int, certificates: Certificates
) -> None:
    begins_s = time.time() + 2 * DAY_S
    with broker(tmp_path, free_port, tls_lines(certificates, issue_future(certificates, begins_s))):
        said = only(found(tls(certificates, free_port)), Level.FAULT)
    begins, ends = (time.strftime("%Y-%m-%d", time.gmtime(begins_s + later)) for later in (0, DAY_S))
    assert f"its certificate is not valid yet ({begins} to {ends}); look at the clock" in said


def test_an_authority_whose_time_is_over_is_told_from_a_certificate_whose_time_is(
    tmp_path: Path, free_port: int, certificates: Certificates
) -> None:
    folder = certificates.ca.parent
    again = ("x509", "-in", "ca.pem", "-signkey", "ca.key", "-days", "-1", "-out", "over.pem")
    subprocess.run(["openssl", *again], cwd=folder, check=True, capture_output=True)
    with broker(tmp_path, free_port, tls_lines(certificates, clients=False)):
        told = found(replace(tls(certificates, free_port), ca=folder / "over.pem"))
    faults = [each.words for each in told if each.level is Level.FAULT]
    assert "over.pem (ca) ended on " in faults[0]
    assert "its certificate is over (that of an authority above it)" in faults[1]


def test_our_own_certificates_are_told_of_by_their_dates(free_port: int, certificates: Certificates) -> None:
    settings = replace(tls(certificates, free_port), cert=certificates.expired_client_cert)
    told = {each.what: each.words for each in found(settings) if each.level is Level.FAULT}
    assert "expired-client.pem (gate-1) ended on " in told["broker.tls.certificate"]
    now_s = time.time()
    for later_s, words in (
        (399.6 * DAY_S, "ca.pem (ca) ends today, on "),
        (398.9 * DAY_S, "ca.pem (ca) ends in 1 day, on "),
        (401 * DAY_S, "ca.pem (ca) ended on "),
        (-DAY_S, "ca.pem (ca) begins on "),
    ):
        told = {each.what: each.words for each in found(tls(certificates, free_port), now_s + later_s)}
        assert words in told["broker.tls.ca"]


def test_the_repositorys_authority_is_told_of_by_its_dates(free_port: int, certificates: Certificates) -> None:
    settings = plain(free_port, repository_ca=certificates.ca)
    told = {each.what: each for each in found(settings, time.time() + 398.9 * DAY_S)}
    assert told["site.repository_ca"].level is Level.WARNING
    assert "ca.pem (ca) ends in 1 day, on " in told["site.repository_ca"].words


@pytest.mark.parametrize("url", [None, "https://127.0.0.1:9/"])
def test_an_authority_that_is_none_is_named_by_its_field(tmp_path: Path, free_port: int, url: str | None) -> None:
    for file in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(ConfigError, match=rf"^site\.repository_ca: {file}: "):
            found(plain(free_port, repository_url=url, repository_ca=file))


def test_a_systems_bundle_of_authorities_is_one_line(
    tmp_path: Path, free_port: int, certificates: Certificates
) -> None:
    bundle = tmp_path / "ca-certificates.crt"
    bundle.write_bytes(certificates.ca.read_bytes() * 20)
    settings = plain(free_port, repository_ca=bundle)
    for later_s, level, words in (
        (399 * DAY_S, Level.GOOD, "ca-certificates.crt: 20 of 20 authorities serve today"),
        (401 * DAY_S, Level.FAULT, "ca-certificates.crt: 0 of 20 authorities serve today; look at the clock, or"),
    ):
        [told] = [each for each in found(settings, time.time() + later_s) if each.what == "site.repository_ca"]
        assert told.level is level and told.words.startswith(words)


@pytest.mark.parametrize("with_one", [True, False])
def test_a_broker_that_does_not_take_our_certificate_is_told_from_one_that_is_not_there(
    tmp_path: Path, free_port: int, certificates: Certificates, with_one: bool
) -> None:
    ours = (certificates.stranger_cert, certificates.stranger_key) if with_one else (None, None)
    settings = replace(tls(certificates, free_port), cert=ours[0], key=ours[1])
    with broker(tmp_path, free_port, tls_lines(certificates)):
        said = only(found(settings), Level.FAULT)
    assert f"does not accept this device, {'certificate of gate-1' if with_one else 'nobody'}" in said
    assert ("unknown ca" if with_one else "certificate required") in said


def test_files_that_will_not_do_are_one_line(tmp_path: Path, free_port: int, certificates: Certificates) -> None:
    settings = tls(certificates, free_port)
    with broker(tmp_path, free_port, tls_lines(certificates)):
        (tmp_path / "empty.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        for wrong in (tmp_path / "empty.pem", certificates.client_key):
            with pytest.raises(
                ConfigError, match=rf"^broker\.tls\.certificate: .*{wrong.name}: no certificate in PEM form"
            ):
                found(replace(settings, cert=wrong))
        with pytest.raises(
            ConfigError, match=r"^broker.tls: .*stranger.key: not the key of .*client.pem; name the two"
        ):
            found(replace(settings, key=certificates.stranger_key))
        with pytest.raises(ConfigError, match=r"gone\.pem: No such file"):
            found(replace(settings, ca=tmp_path / "gone.pem"))


# The way -----------------------------------------------------------------------------------------------------------


def test_a_host_that_nobody_knows_and_a_port_where_nobody_listens(free_port: int) -> None:
    said = only(found(plain(free_port, broker_host="nowhere.invalid")), Level.FAULT)
    assert said == "no such host; correct broker.host (nowhere.invalid)" or "no name server answers" in said
    assert f"nothing listens at port {free_port}; look at broker.port" in only(found(plain(free_port)), Level.FAULT)
    assert "no such host" in only(found(plain(free_port, broker_host="a" * 64 + ".example")), Level.FAULT)


def test_tls_where_there_is_none_and_none_where_there_is(
    tmp_path: Path, free_port: int, certificates: Certificates
) -> None:
    with broker(tmp_path, free_port, ["allow_anonymous true"]):
        assert "no TLS of 1.2 or later" in only(found(tls(certificates, free_port)), Level.FAULT)
    with broker(tmp_path, free_port, tls_lines(certificates)):
        assert "if it wants TLS, add [broker.tls]" in only(found(plain(free_port)), Level.FAULT)


def test_one_that_takes_connections_and_says_nothing() -> None:
    with ExitStack() as ends:
        silent = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
        held: list[socket.socket] = []
        stop = threading.Event()

        def take() -> None:
            silent.settimeout(0.1)
            while not stop.is_set():
                try:
                    held.append(silent.accept()[0])
                except TimeoutError:
                    continue

        taker = threading.Thread(target=take)
        taker.start()
        said = only(found(plain(silent.getsockname()[1])), Level.FAULT)
        stop.set()
        taker.join()
        for each in held:
            each.close()
    assert "it takes connections and does not answer" in said


def test_each_broker_of_several_is_tried(tmp_path: Path, free_port: int) -> None:
    with broker(tmp_path, free_port, ["allow_anonymous true"]):
        told = found(plain(1, others=(("127.0.0.1", free_port), ("nowhere.invalid", 8883))))
    by_broker = {what: [each.level for each in told if each.what == what] for what in {each.what for each in told}}
    assert by_broker["broker 127.0.0.1:1"] == [Level.FAULT]
    assert by_broker[f"broker 127.0.0.1:{free_port}"] == [Level.GOOD] * 3
    assert by_broker["broker nowhere.invalid:8883"] == [Level.FAULT]


# The entry ---------------------------------------------------------------------------------------------------------


def test_a_wrong_password_and_what_the_access_list_forbids(tmp_path: Path, free_port: int) -> None:
    (tmp_path / "password").write_text("wrong\n")
    (tmp_path / "acl").write_text(f"user porter\ntopic write doorward/v1/{SITE}/{DEVICE}/status\n")
    (tmp_path / "acl").chmod(0o600)
    settings = plain(free_port, user="porter", password_file=tmp_path / "password")
    lines = [*password_lines(tmp_path, {"porter": "right"}), f"acl_file {tmp_path / 'acl'}"]
    with broker(tmp_path, free_port, lines):
        said = only(found(settings), Level.FAULT)
        assert "does not let in user porter: " in said and "look at broker.user, broker.password_file" in said
        (tmp_path / "password").write_text("right\n")
        said = only(found(settings), Level.FAULT)
    assert f"may not write doorward/v1/{SITE}/{DEVICE}/ compliance, metrics, events, ledger, notice, ack;" in said
    assert "access list for user porter (that of device_config/mosquitto wants the name gate-1)" in said


def test_a_certificate_of_another_name_is_let_in_and_may_say_nothing(
    tmp_path: Path, free_port: int, certificates: Certificates
) -> None:
    other = issue_client(certificates, "gate-9")
    (tmp_path / "acl").write_text(f"pattern write doorward/v1/{SITE}/%u/+\n")
    (tmp_path / "acl").chmod(0o600)
    with broker(tmp_path, free_port, [*tls_lines(certificates), f"acl_file {tmp_path / 'acl'}"]):
        assert {each.level for each in found(tls(certificates, free_port))} == {Level.GOOD}
        said = only(found(tls(other, free_port)), Level.FAULT)
    assert "may not write" in said and "for certificate of gate-9" in said and "wants the name gate-1" in said


def test_a_broker_of_the_other_version_is_told(tmp_path: Path) -> None:
    with ExitStack() as ends:
        embedded = EmbeddedBroker()
        ends.callback(embedded.close)
        embedded.start()
        said = only(found(plain(embedded.port_311)), Level.FAULT)
        assert said == 'speaks MQTT 3.1.1 and not 5; set broker.protocol = "3.1.1"'
        told = found(plain(embedded.port_311, protocol="3.1.1"))
    assert {each.level for each in told} == {Level.GOOD}
    assert told[-1].words == "its access list cannot be tried: MQTT 3.1.1 does not tell"


# Clock and repository, and the command -----------------------------------------------------------------------------


def test_the_clock_is_held_against_this_release_and_the_sites_last_signature(tmp_path: Path, free_port: int) -> None:
    device = site(tmp_path / "gate")
    settings = settings_of(load(device.config))

    def told(later_s: float) -> dict[str, tuple[Level, str]]:
        return {each.what: (each.level, each.words) for each in found(settings, time.time() + later_s)}

    with ExitStack() as ends:
        ends.callback(device.server.close)
        good = told(0)
        assert good["clock"][0] is good["repository"][0] is Level.GOOD
        level, words = told(-3600)["clock"]
        assert level is Level.FAULT and "is before the site's last signature; set it (timedatectl" in words
        level, words = told(2 * DAY_S)["clock"]
        assert level is Level.FAULT and "is after the site's lease" in words and "'doorward site renew'" in words
        level, words = told(BUILT_S - 1 - time.time())["clock"]
        assert level is Level.FAULT and words.startswith("2026-10-31 23:59:5") and "before this release" in words
        stamp = tmp_path / "gate" / "site" / "repository" / "metadata" / "timestamp.json"
        for text in ("{", "[]", '{"signed":{"issued":"x","expires":"y"}}', '{"signed":{"issued":1,"expires":2}}', "{}"):
            stamp.write_text(text)
            assert "no timestamp of a site; correct the address" in told(0)["repository"][1]
        stamp.unlink()
        assert "there is no metadata/timestamp.json" in told(0)["repository"][1]
    level, words = told(0)["repository"]
    assert level is Level.FAULT and "no answer; look at site.repository" in words


def test_the_command_ends_with_0_for_warnings_and_2_for_faults(
    tmp_path: Path, free_port: int, certificates: Certificates
) -> None:
    device = site(tmp_path / "gate")
    server = issue_server(certificates, "in-10", 10)
    text = device.config.read_text().replace("port = 1883", f"port = {free_port}")
    files = f'ca = "{certificates.ca}"\ncertificate = "{certificates.client_cert}"\nkey = "{certificates.client_key}"\n'
    device.config.write_text(f"{text}[broker.tls]\n{files}")
    with ExitStack() as ends:
        ends.callback(device.server.close)
        run = CliRunner()
        with broker(tmp_path, free_port, tls_lines(certificates, server)):
            done = run.invoke(doorward, ["check", "--config", str(device.config)])
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert lines[0] == f"{device.config}: nothing wrong"
        assert [line for line in lines if line.startswith("warning  ")] == [
            line for line in lines if "its certificate ends in 10 days" in line
        ]
        done = run.invoke(doorward, ["check", "--config", str(device.config)])
        assert isinstance(done.exception, LinkError) and str(done.exception) == "1 fault; see above"
        assert "FAULT    broker 127.0.0.1:" in done.stdout
        done = run.invoke(doorward, ["check", "--offline", "--config", str(device.config)])
        assert (done.exit_code, done.stdout) == (0, f"{device.config}: nothing wrong\n")
