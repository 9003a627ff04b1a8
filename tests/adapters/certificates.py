"""Certificates for tests of TLS, made with the openssl command: two authorities, servers and clients, good and bad."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, replace
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
    expired_cert: Path
    """For the server's key, its time over since yesterday."""
    elsewhere_cert: Path
    """For the server's key and another host's name."""
    expired_client_cert: Path
    """For the client's key."""


def issue_client(certificates: Certificates, common: str) -> Certificates:
    """The same, with a certificate of the first authority for a client of another name."""
    folder = certificates.ca.parent
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-out", f"{common}.pem")
    for arguments in (
        ("req", "-new", *key, "-keyout", f"{common}.key", "-out", f"{common}.csr", "-subj", f"/CN={common}"),
        ("x509", "-req", "-in", f"{common}.csr", *sign),
    ):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    return replace(certificates, client_cert=folder / f"{common}.pem", client_key=folder / f"{common}.key")


def issue_server(certificates: Certificates, name: str, days: int) -> Path:
    """A certificate for the server's key and 127.0.0.1 that ends in so many days."""
    folder = certificates.ca.parent
    (folder / f"{name}.ext").write_text("basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\n")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    subprocess.run(["openssl", "x509", "-req", "-in", "server.csr", *sign], cwd=folder, check=True, capture_output=True)
    return folder / f"{name}.pem"


def issue_future(certificates: Certificates, begins_s: float) -> Path:
    """A certificate for the server's key that is not valid before that time (only `openssl ca` can say so)."""
    folder = certificates.ca.parent
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\n"
        "policy=any\n[any]\ncommonName=supplied\n"
    )
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01\n")
    (folder / "future.ext").write_text("basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\n")
    start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(begins_s + later)) for later in (0, 86_400))
    files = ("-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-extfile", "future.ext")
    sign = ("-batch", "-notext", "-in", "server.csr", "-out", "future.pem", "-startdate", start, "-enddate", end)
    subprocess.run(["openssl", "ca", *files, *sign], cwd=folder, check=True, capture_output=True)
    return folder / "future.pem"


def make_certificates(folder: Path, lasting: int = 2) -> Certificates:
    """Server for 127.0.0.1 and client `gate-1` from one authority; a stranger from the other.

    Args:
        lasting: days.
    """

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    def authority(name: str) -> None:
        files = ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
        openssl("req", "-x509", *key, "-days", str(lasting), *files, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def request(name: str, common: str) -> None:
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={common}")

    def issued(name: str, by: str, request: str, days: int = lasting, host: str = "IP:127.0.0.1") -> Path:
        (folder / "extensions").write_text(f"basicConstraints=critical,CA:FALSE\nsubjectAltName={host}\n")
        openssl(
            *("x509", "-req", "-in", f"{request}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key"),
            *("-days", str(days), "-extfile", "extensions", "-out", f"{name}.pem"),
        )
        return folder / f"{name}.pem"

    authority("ca")
    authority("other-ca")
    for name, common in (("server", "broker"), ("client", "gate-1"), ("stranger", "gate-1")):
        request(name, common)
    return Certificates(
        ca=folder / "ca.pem",
        other_ca=folder / "other-ca.pem",
        server_cert=issued("server", "ca", "server"),
        server_key=folder / "server.key",
        client_cert=issued("client", "ca", "client"),
        client_key=folder / "client.key",
        stranger_cert=issued("stranger", "other-ca", "stranger"),
        stranger_key=folder / "stranger.key",
        expired_cert=issued("expired", "ca", "server", days=-1),
        elsewhere_cert=issued("elsewhere", "ca", "server", host="DNS:elsewhere.example"),
        expired_client_cert=issued("expired-client", "ca", "client", days=-1),
    )
