"""The service's stand-in: an nginx that takes whole requests over TLS and answers each with `{}`."""

from __future__ import annotations

import importlib.resources
import os
import ssl
import time
from typing import TYPE_CHECKING

from sandbox.aws.certificate import make_certificate
from sandbox.servers.process import Server, free_port, is_listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox.aws.certificate import Certificate

# The body is read to its end before the answer, as the service has to; a bare `return` would answer before.
# Bodies stay in memory, and what answers sees their headers alone unless it wants more.
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 2m;
    client_body_buffer_size 2m;
    keepalive_timeout 600s;
    keepalive_requests 10000000;
    upstream answering {{ server unix:{answering}; keepalive 64; keepalive_requests 10000000; keepalive_timeout 600s; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        location / {{
            proxy_pass http://answering;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {body}
        }}
    }}
    server {{
        listen unix:{folder}/at-once.sock;
        location / {{
            default_type application/x-amz-json-1.1;
            return 200 '{{}}';
        }}
    }}
}}
"""
_WITHOUT_BODY = 'proxy_pass_request_body off; proxy_set_header Content-Length "";'


class Nginx(Server):
    """Answers at once by itself, or passes requests on to `answering`, a unix socket; with their bodies if asked to."""

    def __init__(self, directory: Path, *, answering: Path | None = None, passes_bodies: bool = False) -> None:
        super().__init__(directory)
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.authority = directory / "ca.pem"
        self.trusted = directory / "trusted.pem"
        self._answering = answering
        self._body = "" if passes_bodies else _WITHOUT_BODY

    def prepare(self) -> None:
        """Make a certificate and write the configuration."""
        certificate = make_certificate(self.directory)
        self.authority = certificate.authority
        # As many authorities as every AWS SDK trusts by default: they take memory, and time at each new connection.
        trusted = importlib.resources.files("botocore").joinpath("cacert.pem").read_bytes()
        self.trusted.write_bytes(self.authority.read_bytes() + trusted)
        (self.directory / "nginx.conf").write_text(self.configuration(certificate))

    def configuration(self, certificate: Certificate) -> str:
        """Say what it answers."""
        return _CONFIGURATION.format(
            folder=self.directory,
            answering=self._answering or self.directory / "at-once.sock",
            port=self.port,
            certificate=certificate.chain,
            key=certificate.key,
            body=self._body,
        )

    def command(self) -> Sequence[str]:
        """See `Server.command`."""
        return ["nginx", "-p", str(self.directory), "-c", str(self.directory / "nginx.conf"), "-e", "stderr"]

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        return is_listening(self.port)

    def cpu_s(self) -> float:
        """Seconds of CPU that it used so far: it must not be what everything waits for."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def client_context(self) -> ssl.SSLContext:
        """TLS settings that trust this server alone."""
        return ssl.create_default_context(cafile=self.authority)

    def environment(self) -> dict[str, str]:
        """Variables that point an AWS SDK here, over a copy of our own without any other AWS setting."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.trusted),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "AKIABENCH00000000000",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "NO_PROXY": "127.0.0.1,localhost",
        }
