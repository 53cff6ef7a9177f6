"""A web host with the snippets that we ship for its status pages."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.servers.apache import MODULES_DIRECTORY, Apache
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

ETC = Path(__file__).parents[3] / "etc"

VISITS = "log/visits.log"
"""An access log without the agent's own visits, as the snippet says how."""

FRONT_CONTROLLER = "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n"


class _PlainApache(Apache):
    """Without the status page that the sandbox's Apache has of its own, and with an application's .htaccess."""

    def _configuration(self) -> str:
        text = super()._configuration().replace("<Location /server-status>", "<Location /of-the-sandbox>")
        return text.replace("AllowOverride None", "AllowOverride All")


@dataclass(frozen=True, slots=True)
class Web:
    """Apache before PHP-FPM, whose application takes every path that is no file."""

    apache: Apache
    php_fpm: PhpFpm

    @property
    def apache_url(self) -> str:
        """Where mod_status is."""
        return f"http://127.0.0.1:{self.apache.port}/server-status?auto"

    @property
    def php_fpm_url(self) -> str:
        """Where the pool's status is."""
        return f"http://127.0.0.1:{self.apache.port}/fpm-status?json"


@contextlib.contextmanager
def web_host() -> Iterator[Web]:
    """Run both, each with our snippet as it lies in the repository but for the socket's folder."""
    with open_directory("vawsum-status-") as folder:
        socket = folder / "fpm" / "status.sock"
        php = (ETC / "php/vawsum-status.conf").read_text().replace("/run/php/vawsum-status.sock", str(socket))
        apache = (
            f"Define VAWSUM_FPM_STATUS_SOCKET {socket}\n"
            f"LoadModule setenvif_module {MODULES_DIRECTORY}/mod_setenvif.so\n"
            f"Include {ETC}/apache2/vawsum-status.conf\n"
            f"CustomLog {folder}/apache/{VISITS} common env=!vawsum_agent_visit\n"
        )
        www = folder / "apache" / "www"
        www.mkdir(parents=True)
        (www / ".htaccess").write_text(FRONT_CONTROLLER)
        (www / "index.php").write_text("<?php echo 'front controller';")
        (www / "slow.php").write_text("<?php sleep(2); echo 'done';")
        (www / "file.txt").write_bytes(b"x" * 4096)
        with (
            PhpFpm(folder / "fpm", extra=php) as fpm,
            _PlainApache(folder / "apache", php_socket=fpm.socket, extra=apache) as server,
        ):
            yield Web(server, fpm)
