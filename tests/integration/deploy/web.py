"""An application on real Apache and PHP-FPM, with the snippet for the proof as it lies in the repository."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.servers.apache import MODULES_DIRECTORY, Apache
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import open_directory, wait_until
from vawsum_agent.config.model import DeployApp
from vawsum_agent.config.model.values import Seconds
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ETC = Path(__file__).parents[3] / "etc/apache2"
HOST = "app.vawsum.test"
FRONT_CONTROLLER = "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n"

_APPLICATION = b"<?php echo basename(dirname(__DIR__));"
"""Answers the release whose code it is."""


class _Fpm(PhpFpm):
    """With OPcache, as web hosts have it; it comes by the command line alone."""

    def __init__(self, directory: Path, settings: Sequence[str]) -> None:
        super().__init__(directory)
        self._options = [part for setting in ("zend_extension=opcache", *settings) for part in ("-d", setting)]

    def command(self) -> list[str]:
        return [*super().command(), *self._options]


@dataclass(frozen=True)
class WebApp:
    """The running application."""

    app: AppFolder
    apache: Apache
    fpm: PhpFpm

    def config(self, health: str = "/index.php") -> DeployApp:
        """What a deploy knows of it."""
        address = f"http://127.0.0.1:{self.apache.port}"
        return DeployApp(
            name="web",
            path=str(self.app.path),
            artifacts="s3://vawsum-artifacts/web/",
            health_url=f"{address}{health}",
            health_host=HOST,
            health_timeout=Seconds(1.0),
            proof_url=f"{address}/.vawsum/release",
        )

    def served(self) -> str:
        """The release whose code the application runs."""
        return self.apache.get("/index.php", headers={"Host": HOST})[1].decode()

    def reload(self) -> None:
        """What `systemctl reload php-fpm` does: it returns before anything is reloaded."""
        self.fpm.signal(signal.SIGUSR2)

    def recycle(self) -> None:
        """Let every worker end and another come, as pm.max_requests and idle pools do."""
        before = self._workers()
        for pid in before:
            subprocess.run(["kill", "-TERM", str(pid)], check=True)
        assert wait_until(lambda: len(self._workers() - before) == len(before), 5)

    def _workers(self) -> set[int]:
        children = Path(f"/proc/{self.fpm.pid}/task/{self.fpm.pid}/children").read_text()
        return {int(pid) for pid in children.split()}


class _VirtualHost(Apache):
    """Has the application in a virtual host of its own."""

    def __init__(self, folder: Path, php_socket: Path, root: Path, lines: str, modules: Sequence[str]) -> None:
        super().__init__(folder / "apache", php_socket=php_socket)
        # The witness lies where PHP-FPM's user can read it; a checkout need not be such a place.
        script = folder / "vawsum-release.php"
        script.write_bytes((ETC / "vawsum-release.php").read_bytes())
        self._lines = [
            *(f"LoadModule {name}_module {MODULES_DIRECTORY}/mod_{name}.so" for name in modules),
            f"Define VAWSUM_RELEASE_SCRIPT {script}",
            f"Include {ETC}/vawsum-release-proof.conf",
            f"<VirtualHost *:{self.port}>",
            f"ServerName {HOST}",
            f"DocumentRoot {root}",
            f"<Directory {root.parents[1]}>",
            "Require all granted",
            "AllowOverride All",
            "</Directory>",
            lines,
            "</VirtualHost>",
        ]

    def _configuration(self) -> str:
        # The snippet's own `Require` has to do, where the system's default is to deny.
        denied = "<Directory />\nRequire all denied\n</Directory>\n"
        first = f"<VirtualHost *:{self.port}>\nServerName other.vawsum.test\n</VirtualHost>\n"
        return super()._configuration() + denied + first + "\n".join(self._lines) + "\n"


@contextlib.contextmanager
def web_app(
    releases: Sequence[str], *, php: Sequence[str] = (), lines: str = "", modules: Sequence[str] = ()
) -> Iterator[WebApp]:
    """Serve releases of one application below ``current/public``; the caller switches to one.

    Args:
        releases: that are there.
        php: settings of PHP.
        lines: of the virtual host.
        modules: of Apache, beside the sandbox's.
    """
    with open_directory("vawsum-deploy-") as root:
        app = AppFolder(root / "app")
        for release in releases:
            public = app.release(release) / "public"
            public.mkdir(parents=True)
            (public / "index.php").write_bytes(_APPLICATION)
            # Files of a release are old, and alike: OPcache takes in nothing that has just been written.
            os.utime(public / "index.php", (1_000_000_000, 1_000_000_000))
            (public / "healthz").write_bytes(b"ok")
            (public / ".htaccess").write_text(FRONT_CONTROLLER)
        with (
            _Fpm(root / "fpm", php) as fpm,
            _VirtualHost(root, fpm.socket, app.current / "public", lines, modules) as apache,
        ):
            yield WebApp(app, apache, fpm)
