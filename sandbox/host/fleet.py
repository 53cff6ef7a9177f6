"""Several web hosts of one sandbox: each with its own folder, Apache, PHP-FPM, instance id and instance metadata."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.servers.apache import Apache
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.client import Sandbox

FIRST_RELEASE = "20260101T000000Z-0000000"
"""What a host serves that was told nothing else."""

PAGES: Mapping[str, str] = {
    "index.php": "<?php echo getenv('INSTANCE_ID'), ' ', basename(__DIR__);\n",
    "slow.php": "<?php usleep((int) $_GET['ms'] * 1000); echo getenv('INSTANCE_ID'), ' ', basename(__DIR__);\n",
    "healthz": "ok\n",
}
"""The first release: who answers, and from what; the same after `ms` milliseconds; and a health page."""

# Requests under way are answered before a reload replaces the workers; PHP-FPM kills them otherwise.
_POOL = """
env[INSTANCE_ID] = {instance_id}
[global]
process_control_timeout = 10s
"""
_SITE = """
DocumentRoot {site}
<Directory {site}>
  AllowOverride None
  Require all granted
  DirectoryIndex index.php index.html
</Directory>
GracefulShutdownTimeout 10
"""


class FleetHost:
    """A web host. Its site is `app/current`, a link to one of `app/releases`, as deploys lay it out.

    Attributes:
        instance_id: its name.
        directory: everything of it is below.
        app: the application's folder.
        apache: its web server.
        php_fpm: its PHP.
        port: where its web server listens on this machine.
        url: the same as a URL.
        reload: commands, without a shell, that have PHP-FPM and then Apache read everything anew, losing no request.

    Args:
        sandbox: where the host is made known.
        directory: its own; every parent must be open to ``www-data`` when root starts it.
        instance_id: its name.
        pages: the files of the first release, by path; none for a host without any release.
        site: what Apache serves, below `app`.
        apache_extra: lines for Apache's configuration.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        directory: Path,
        instance_id: str,
        *,
        pages: Mapping[str, str] = PAGES,
        site: str = "current",
        apache_extra: str = "",
    ) -> None:
        self.instance_id = instance_id
        self.directory = directory
        self.app = directory / "app"
        self._sandbox = sandbox
        self._pages = pages
        pool = _POOL.format(instance_id=instance_id)
        self.php_fpm = PhpFpm(directory / "fpm", settings={"date.timezone": "UTC"}, extra=pool)
        self.apache = Apache(
            directory / "apache",
            access_logs={"access.log": "combined_timed"},
            php_socket=self.php_fpm.socket,
            extra=_SITE.format(site=self.app / site) + apache_extra,
        )
        self.port = self.apache.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.reload = [str(directory / "reload-php-fpm"), str(directory / "reload-apache")]

    def environment(self) -> dict[str, str]:
        """Return the variables for an agent on this host."""
        return self._sandbox.environment(instance_id=self.instance_id)

    def start(self) -> None:
        """Put the first release in place if there is none, start both servers, make the host known."""
        for folder in (self.app / "releases", self.app / "shared"):
            folder.mkdir(parents=True, exist_ok=True)
        # A host that is started again serves what it served.
        if self._pages and not (self.app / "current").is_symlink():
            self.serve(FIRST_RELEASE, self._pages)
        # By the file and not by number: a server that was started again is another process.
        _write_command(self.reload[0], f"kill -USR2 $(cat {self.directory}/fpm/php-fpm.pid)")
        _write_command(self.reload[1], f"kill -USR1 $(cat {self.directory}/apache/apache.pid)")
        self.php_fpm.start()
        self.apache.start()
        self._sandbox.add_host(self.instance_id, port=self.port)

    def stop(self) -> None:
        """Stop both servers; idempotent."""
        self.apache.stop()
        self.php_fpm.stop()

    def kill(self) -> None:
        """End both servers at once, as when the machine is gone."""
        for server in (self.apache, self.php_fpm):
            server.signal_all(signal.SIGKILL)
            server.stop()

    def serve(self, release: str, pages: Mapping[str, str]) -> None:
        """Put a release in place and switch to it by rename; whoever wants PHP to see it at once reloads."""
        folder = self.app / "releases" / release
        for name, text in pages.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        new = self.app / ".current"
        new.unlink(missing_ok=True)
        new.symlink_to(f"releases/{release}")
        new.replace(self.app / "current")


def _write_command(path: str, command: str) -> None:
    script = Path(path)
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)


class Fleet:
    """The hosts, by number and by name."""

    def __init__(self, sandbox: Sandbox, hosts: list[FleetHost]) -> None:
        self.hosts = hosts
        self._sandbox = sandbox

    @property
    def instance_ids(self) -> list[str]:
        """Their names."""
        return [host.instance_id for host in self.hosts]

    def register(self, group: str) -> None:
        """Register all of them with a target group, each at its own port, and wait until all are healthy."""
        self._sandbox.register_targets(group, *((host.instance_id, host.port) for host in self.hosts))
        self._sandbox.await_targets(group, *self.instance_ids)

    def start(self) -> None:
        """Start all hosts, at the same time."""
        self._each(FleetHost.start)

    def stop(self) -> None:
        """Stop all hosts, at the same time; idempotent."""
        self._each(FleetHost.stop)

    def _each(self, do: Callable[[FleetHost], None]) -> None:
        with ThreadPoolExecutor(len(self.hosts)) as workers:
            list(workers.map(do, self.hosts))


@contextmanager
def open_fleet(
    sandbox: Sandbox,
    count: int = 3,
    *,
    pages: Mapping[str, str] = PAGES,
    site: str = "current",
    apache_extra: str = "",
) -> Iterator[Fleet]:
    """Run so many web hosts in a temporary folder; their arguments are those of `FleetHost`."""
    with open_directory("vf-") as directory:
        hosts = [
            FleetHost(
                sandbox,
                directory / f"host{number}",
                f"i-0f1ee7{number:011d}",
                pages=pages,
                site=site,
                apache_extra=apache_extra,
            )
            for number in range(1, count + 1)
        ]
        fleet = Fleet(sandbox, hosts)
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.stop()
