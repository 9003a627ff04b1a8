"""Certificates that nobody would accept are read too, by their dates and names; what is none is a ValueError."""

from __future__ import annotations

import random
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.reach import Failed, Fault, addresses_of, port_open, read_pem
from agent.adapters.reach.certificate import Certificate, read_der
from agent.errors import ConfigError
from tests.adapters.certificates import Certificates


def openssl(*arguments: object) -> str:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def told(file: Path) -> Certificate:
    """What the openssl command says of it."""
    lines = openssl("x509", "-in", file, "-noout", "-startdate", "-enddate", "-subject", "-nameopt", "multiline")
    dates = [
        datetime.strptime(line.split("=", 1)[1], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC).timestamp()
        for line in lines.splitlines()
        if line.startswith(("notBefore", "notAfter"))
    ]
    names = [line.split("= ", 1)[1] for line in lines.splitlines() if "commonName" in line]
    return Certificate("".join(names), *dates)


def made(folder: Path, name: str, subject: str, *more: object) -> Path:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", folder / f"{name}.key")
    openssl("req", "-x509", *key, "-out", folder / f"{name}.pem", "-utf8", "-subj", subject, *more)
    return folder / f"{name}.pem"


def test_dates_and_name_are_those_that_openssl_tells(tmp_path: Path, certificates: Certificates) -> None:
    files = [
        certificates.ca,
        certificates.server_cert,
        certificates.expired_cert,
        certificates.stranger_cert,
        made(tmp_path, "long", "/O=Yard/CN=türe/OU=7", "-days", 40 * 365),  # beyond 2049 the other kind of time
        made(tmp_path, "nameless", "/O=Yard", "-days", 1),
    ]
    found = [read_pem("broker.tls.ca", file) for file in files]
    assert [len(each) for each in found] == [1] * len(files)
    for file, [each] in zip(files, found, strict=True):
        if file.name == "long.pem":
            assert each.name == "türe" and each.until_s > datetime(2060, 1, 1, tzinfo=UTC).timestamp()
        else:
            assert each == told(file)
    assert found[-1][0].name == ""


def test_a_file_may_hold_several_in_any_text(tmp_path: Path, certificates: Certificates) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"\xff words\n" + certificates.server_cert.read_bytes() + certificates.ca.read_bytes())
    assert [each.name for each in read_pem("broker.tls.ca", chain)] == ["broker", "ca"]
    for data in (b"", b"words", certificates.server_key.read_bytes()):
        chain.write_bytes(data)
        with pytest.raises(ConfigError, match=r"^broker\.tls\.ca: .*chain\.pem: no certificate in PEM form; correct"):
            read_pem("broker.tls.ca", chain)
    with pytest.raises(ConfigError, match=r"Is a directory"):
        read_pem("broker.tls.ca", tmp_path)


def test_bytes_that_are_no_certificate_are_a_value_error(certificates: Certificates) -> None:
    whole = ssl.PEM_cert_to_DER_cert(certificates.server_cert.read_text())
    lot, refused = random.Random(5), 0
    for cut in range(len(whole)):
        with pytest.raises(ValueError):
            read_der(whole[:cut])
    for _ in range(20_000):
        changed = bytearray(whole)
        for _ in range(lot.randint(1, 4)):
            changed[lot.randrange(len(whole))] = lot.randrange(256)
        try:
            read_der(bytes(changed))
        except ValueError:
            refused += 1
    assert refused > 1000


def test_names_and_ports() -> None:
    assert "127.0.0.1" in str(addresses_of("localhost", 1)) or "::1" in str(addresses_of("localhost", 1))
    for name in ("nowhere.invalid", "a" * 64 + ".example"):
        found = addresses_of(name, 1)
        assert isinstance(found, Failed) and found.fault in (Fault.NO_NAME, Fault.NO_NAME_SERVER)
    closed = port_open("127.0.0.1", 1, 1.0)
    assert closed is not None and closed.fault is Fault.CLOSED
    nowhere = port_open("255.255.255.255", 1, 1.0)
    assert nowhere is not None and nowhere.fault in (Fault.NO_WAY, Fault.SILENT)
