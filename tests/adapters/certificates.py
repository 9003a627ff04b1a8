"""Certificates for tests of TLS, made with the openssl command: two authorities, a server and two clients."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    ca: Path
    other_ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path
    stranger_cert: Path
    stranger_key: Path


def make_certificates(folder: Path) -> Certificates:
    """Server for 127.0.0.1 and client `gate-1` from one authority; a stranger from the other."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")

    def authority(name: str) -> None:
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")

    def issued(name: str, by: str, common: str) -> None:
        openssl(
            *("req", "-x509", *key, "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-keyout", f"{name}.key"),
            *("-out", f"{name}.pem", "-subj", f"/CN={common}", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
        )

    authority("ca")
    authority("other-ca")
    issued("server", "ca", "broker")
    issued("client", "ca", "gate-1")
    issued("stranger", "other-ca", "gate-1")
    pem = {name: folder / name for name in ("ca.pem", "other-ca.pem", "server.pem", "server.key")}
    return Certificates(
        pem["ca.pem"],
        pem["other-ca.pem"],
        pem["server.pem"],
        pem["server.key"],
        *(folder / name for name in ("client.pem", "client.key", "stranger.pem", "stranger.key")),
    )
