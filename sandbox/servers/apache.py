"""A private Apache 2.4 that serves a folder, PHP included when a PHP-FPM socket is given."""

from __future__ import annotations

import http.client
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.servers.process import WEB_USER, Server, free_port, is_listening

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULES_DIRECTORY = Path("/usr/lib/apache2/modules")
MODULES = (
    "mpm_event",
    "authz_core",
    "authz_host",
    "alias",
    "dir",
    "mime",
    "rewrite",
    "status",
    "proxy",
    "proxy_fcgi",
)

LOG_FORMATS: Mapping[str, str] = {
    "common": r"%h %l %u %t \"%r\" %>s %O",
    "combined": r"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"",
    "vhost_combined": r"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"",
    "combined_timed": r"%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D %T",
}
"""The formats of Debian's apache2.conf, and one with the service time in microseconds and seconds appended."""


class Apache(Server):
    """Apache in the foreground with its configuration, logs and pid file below ``directory``.

    Args:
        directory: its own; every parent must be open to ``www-data`` when root starts it.
        access_logs: file name → one of `LOG_FORMATS`; all are written for every request.
        php_socket: PHP-FPM's socket; ``*.php`` goes there.
        extra: configuration lines to append.
        unlogged: regular expression of paths; requests for them stand in no access log.
        log_directory: where the logs go; ``directory/log`` unless given.
    """

    # A graceful stop would wait for keep-alive connections.
    stop_signal = signal.SIGTERM

    def __init__(
        self,
        directory: Path,
        *,
        access_logs: Mapping[str, str] | None = None,
        php_socket: Path | None = None,
        extra: str = "",
        unlogged: str = "",
        log_directory: Path | None = None,
    ) -> None:
        super().__init__(directory)
        self.port = free_port()
        self.document_root = directory / "www"
        self.log_directory = log_directory or directory / "log"
        self.error_log = self.log_directory / "error.log"
        self._access_logs = dict(access_logs or {"access.log": "combined"})
        self._php_socket = php_socket
        self._extra = extra
        self._condition = f' "expr=!(%{{REQUEST_URI}} =~ m#{unlogged}#)"' if unlogged else ""

    @property
    def access_log(self) -> Path:
        """The first access log."""
        return self.log_directory / next(iter(self._access_logs))

    def command(self) -> list[str]:
        """See `Server.command`."""
        return ["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(self.directory / "apache.conf")]

    def prepare(self) -> None:
        """Make the folders and write ``apache.conf``."""
        self.document_root.mkdir(parents=True, exist_ok=True)
        self.log_directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "apache.conf").write_text(self._configuration())

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        return is_listening(self.port)

    def reopen_logs(self) -> None:
        """Make Apache reopen its logs as logrotate's post-rotate script does (a graceful restart)."""
        self.signal(signal.SIGUSR1)

    def get(self, path: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 10.0) -> tuple[int, bytes]:
        """Request ``path`` and return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _configuration(self) -> str:
        lines = [
            f"ServerRoot {self.directory}",
            "ServerName sandbox.vawsum.test",
            f"Listen 127.0.0.1:{self.port}",
            f"PidFile {self.directory}/apache.pid",
            f"DefaultRuntimeDir {self.directory}",
            f"Mutex file:{self.directory} default",
            *(f"LoadModule {name}_module {MODULES_DIRECTORY}/mod_{name}.so" for name in MODULES),
            "TypesConfig /etc/mime.types",
            "StartServers 1",
            "ServerLimit 4",
            "ThreadsPerChild 16",
            "MaxRequestWorkers 64",
            "KeepAlive On",
            f"ErrorLog {self.error_log}",
            "LogLevel info",
            *(f'LogFormat "{text}" {name}' for name, text in LOG_FORMATS.items()),
            *(
                f"CustomLog {self.log_directory}/{file} {name}{self._condition}"
                for file, name in self._access_logs.items()
            ),
            f"DocumentRoot {self.document_root}",
            f"<Directory {self.document_root}>",
            "  AllowOverride None",
            "  Require all granted",
            "</Directory>",
            "<Location /server-status>",
            "  SetHandler server-status",
            "</Location>",
            self._extra,
        ]
        if os.geteuid() == 0:
            lines += [f"User {WEB_USER}", f"Group {WEB_USER}"]
        if self._php_socket:
            lines += [
                '<FilesMatch "\\.php$">',
                f'  SetHandler "proxy:unix:{self._php_socket}|fcgi://localhost/"',
                "</FilesMatch>",
            ]
        return "\n".join(lines) + "\n"
