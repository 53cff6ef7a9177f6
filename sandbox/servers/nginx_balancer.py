"""A private nginx in front of web hosts: a port a group of them, requests in turn, and no mercy for who fails.

It never asks a second host for what the first one failed at, nor leaves one out that failed: whether no request
fails is for the hosts and for whoever drains them to see to.
"""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING, NamedTuple

import psutil

from sandbox.servers.process import Server, ServerError, is_listening, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

RELOAD_LIMIT_S = 20.0

_WORKER = "nginx: worker process"

# Ends the whole session when the pipe's other end, ours, is closed: nginx does not outlive us, however we end.
_LEASH = '(read _ < "$0"; kill -9 0) & exec nginx "$@"'

_HEAD = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    log_format told escape=json '{{"at":$msec,"group":"$server_name","upstream":"$upstream_addr",'
        '"status":"$status","uri":"$request_uri","took_s":$request_time}}';
    access_log {folder}/access.log told;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    # A kept connection would be closed by a reload just when a client uses it again.
    keepalive_timeout 0;
    # Honest failures: no second try, and nobody is left out but by the health checks.
    proxy_next_upstream off;
    proxy_connect_timeout 5s;
    proxy_http_version 1.1;
    proxy_set_header Connection close;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
"""
_GROUP = """
    {upstream}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        server_name {name};
        location / {{ {action} }}
    }}
"""


class Upstream(NamedTuple):
    """A port to listen at, and who gets the requests that come there: `address:port` each."""

    name: str
    port: int
    addresses: tuple[str, ...]


def is_installed() -> bool:
    """Whether there is an nginx."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


def configuration(folder: Path, upstreams: Iterable[Upstream], *, is_root: bool) -> str:
    """Return what nginx is told. Nobody to send requests to is a 503, as a load balancer says."""
    blocks = []
    for one in upstreams:
        servers = " ".join(f"server {address} max_fails=0;" for address in one.addresses)
        upstream = f"upstream {one.name} {{ {servers} }}" if servers else ""
        action = f"proxy_pass http://{one.name};" if servers else "return 503;"
        blocks.append(_GROUP.format(upstream=upstream, port=one.port, name=one.name, action=action))
    # Workers stay root where we are: the folder is closed to everybody else, and they listen to this machine alone.
    head = _HEAD.format(folder=folder, user="user root;" if is_root else "")
    return "".join([head, *blocks, "}\n"])


class NginxBalancer(Server):
    """nginx in the foreground with its configuration and logs below ``directory``."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.access_log = directory / "access.log"
        self._upstreams: tuple[Upstream, ...] = ()
        self._leash: int | None = None

    def command(self) -> Sequence[str]:
        """See `Server.command`."""
        folder = self.directory
        return ["/bin/sh", "-c", _LEASH, f"{folder}/leash", "-p", str(folder), "-c", f"{folder}/nginx.conf", "-e",
                f"{folder}/error.log"]  # fmt: skip

    def prepare(self) -> None:
        """Write the configuration, and take the leash into our hands."""
        self._write()
        leash = self.directory / "leash"
        leash.unlink(missing_ok=True)
        os.mkfifo(leash)
        # For reading as well: to open it for writing alone would wait for a reader.
        self._leash = os.open(leash, os.O_RDWR)

    def is_ready(self) -> bool:
        """See `Server.is_ready`. A worker is there, too: the master listens before it has one."""
        return bool(self._workers()) and all(is_listening(one.port) for one in self._upstreams)

    def stop(self) -> None:
        """See `Server.stop`."""
        super().stop()
        leash, self._leash = self._leash, None
        if leash is not None:
            os.close(leash)

    def route(self, upstreams: Iterable[Upstream]) -> None:
        """Send requests to exactly these from now on.

        Returns when no worker takes requests by what was said before; those that it has taken, it still answers.

        Raises:
            ServerError: nginx did not start, or did not take it over; it goes on as before then.
        """
        self._upstreams = tuple(upstreams)
        if self._process is None:
            self.start()
            return
        self._write()
        before = self._workers()
        # The master starts new workers and lets the old ones finish what they have begun.
        self.signal(signal.SIGHUP)
        if not wait_until(lambda: self._is_replaced(before), RELOAD_LIMIT_S, pause_s=0.01):
            said = (self.directory / "error.log").read_text(errors="replace")[-2000:]
            raise ServerError(f"nginx did not reload; it printed: {said.strip() or 'nothing'}")

    def _is_replaced(self, before: frozenset[int]) -> bool:
        return not self._workers() & before and self.is_ready()

    def _workers(self) -> frozenset[int]:
        """Return the workers that take connections; one that is shutting down has said so in its title."""
        found = set()
        for child in psutil.Process(self.pid).children():
            try:
                title = " ".join(child.cmdline()).strip()
            except psutil.Error:
                continue  # gone in between
            if title == _WORKER:
                found.add(child.pid)
        return frozenset(found)

    def _write(self) -> None:
        path = self.directory / "nginx.conf"
        new = path.with_suffix(".new")
        new.write_text(configuration(self.directory, self._upstreams, is_root=os.geteuid() == 0))
        new.replace(path)
