"""A certificate authority of our own and a certificate for this machine's loopback names, made with openssl."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DAYS = "7"
_CA_EXTENSIONS = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_LEAF_EXTENSIONS = (
    "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
    "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth\n"
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM form."""

    authority: Path
    chain: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    """Make an authority and a certificate for `localhost` and `127.0.0.1` below `folder`."""
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    leaf, leaf_key, request = folder / "server.pem", folder / "server.key", folder / "server.csr"
    extensions, config = folder / "server.ext", folder / "ca.cnf"
    extensions.write_text(_LEAF_EXTENSIONS)
    config.write_text(f"[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\n{_CA_EXTENSIONS}")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", "-x509", *new_key, "-config", config, "-subj", "/CN=sandbox authority", "-days", DAYS,
             "-keyout", authority_key, "-out", authority)  # fmt: skip
    _openssl("req", *new_key, "-config", config, "-subj", "/CN=localhost", "-keyout", leaf_key, "-out", request)
    _openssl("x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial",
             "-days", DAYS, "-extfile", extensions, "-out", leaf)  # fmt: skip
    return Certificate(authority, leaf, leaf_key)


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
