"""Apache on a booted host, as Debian installs it, listening on an address of the test's own."""

from __future__ import annotations

import socket
from http.client import HTTPConnection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.e2e.host.booted import BootedHost


class WebServer:
    """Debian's Apache with its own logs, its own logrotate file and PHP-FPM beside it.

    Attributes:
        port: where it listens, of 127.0.0.1.
    """

    def __init__(self, host: BootedHost) -> None:
        self._host = host
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    def start(self) -> None:
        """Start Apache and PHP-FPM; they come up again at each boot."""
        self._host.write("/etc/apache2/ports.conf", f"Listen 127.0.0.1:{self.port}\n")
        # Debian's site answers on port 80 only; requests to other ports would be logged elsewhere.
        self._host.run(f"sed -i 's/:80>/:{self.port}>/' /etc/apache2/sites-available/000-default.conf")
        # Debian keeps 14 rotations; the test counts what is in all of them.
        self._host.run("sed -i 's/rotate 14/rotate 1000/' /etc/logrotate.d/apache2")
        self._host.run("systemctl enable --now --quiet php8.2-fpm apache2")

    def start_afresh(self) -> None:
        """Begin with empty logs and no rotated ones: an agent that knows nothing ships what bears a live name."""
        self._host.run("systemctl stop apache2 php8.2-fpm; rm -f /var/log/apache2/* /var/log/php8.2-fpm.log*")
        self._host.run("systemctl start php8.2-fpm apache2")

    def writes_at_shutdown(self) -> None:
        """Until the next boot, Apache takes its time to stop and writes its first line once more at the very end."""
        log = "/var/log/apache2/access.log"
        directive = f"ExecStopPost=/bin/sh -c 'sleep 1; head -n 1 {log} >>{log}'"
        self._host.write("/run/systemd/system/apache2.service.d/slow.conf", f"[Service]\n{directive}\n")
        self._host.run("systemctl daemon-reload")

    def get(self, paths: Iterable[str]) -> None:
        """Request pages one by one; none of them exists, each leaves a line in the access log."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        for path in paths:
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()

    def rotate(self) -> None:
        """Rotate the logs now, as the night would, with the file that Debian ships."""
        self._host.run("logrotate --force /etc/logrotate.d/apache2")

    def logged(self) -> list[str]:
        """Every line of the access log, the rotated ones first."""
        written = self._host.run(
            "for f in $(ls -rv /var/log/apache2/access.log*); do case $f in *.gz) zcat $f;; *) cat $f;; esac; done"
        )
        return written.stdout.splitlines()


def paths(title: str, number: int) -> list[str]:
    """So many distinct requests."""
    return [f"/{title}/{n}" for n in range(number)]
