"""A private PHP-FPM with one pool on a unix socket."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.servers.process import WEB_USER, Server, ServerError, is_listening, writable_by

if TYPE_CHECKING:
    from collections.abc import Mapping


def fpm_binary() -> str:
    """Find PHP-FPM; Debian puts the version into its name.

    Raises:
        ServerError: none is installed.
    """
    plain = shutil.which("php-fpm")
    if plain:
        return plain
    versioned = sorted(Path("/usr/sbin").glob("php-fpm*"))
    if not versioned:
        msg = "no php-fpm is installed"
        raise ServerError(msg)
    return str(versioned[-1])


class PhpFpm(Server):
    """PHP-FPM in the foreground with its configuration, socket and logs below ``directory``.

    Attributes:
        socket: where Apache's ``mod_proxy_fcgi`` finds it.
        error_log: PHP-FPM's own log.
        php_error_log: what scripts write: errors, uncaught exceptions, ``error_log()``.
        slow_log: stack traces of requests slower than a second. Reading them needs ptrace: root, or a kernel
            that lets a parent trace its children.

    Args:
        directory: its own; every parent must be open to ``www-data`` when root starts it.
        settings: ``php_admin_value`` settings to add, such as ``date.timezone``.
        is_catching_output: whether worker output goes to PHP-FPM's log (``catch_workers_output``).
        log_directory: where the logs go; ``directory/log`` unless given.
        extra: configuration lines to append.
    """

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        is_catching_output: bool = False,
        log_directory: Path | None = None,
        extra: str = "",
    ) -> None:
        super().__init__(directory)
        self.log_directory = log_directory or directory / "log"
        self.socket = directory / "fpm.sock"
        self._pid_file = directory / "php-fpm.pid"
        self.error_log = self.log_directory / "php-fpm.log"
        self.php_error_log = self.log_directory / "php-error.log"
        self.slow_log = self.log_directory / "php-fpm-slow.log"
        self._settings = dict(settings or {})
        self._is_catching_output = is_catching_output
        self._extra = extra

    def command(self) -> list[str]:
        """See `Server.command`."""
        return [fpm_binary(), "--nodaemonize", "--fpm-config", str(self.directory / "php-fpm.conf"), "-n"]

    def prepare(self) -> None:
        """Make the folders and write ``php-fpm.conf``."""
        self.directory.mkdir(parents=True, exist_ok=True)
        # While a worker of a master that was killed is not quite gone yet, PHP-FPM takes it for another instance.
        for left_behind in self.directory.glob("*.sock"):
            left_behind.unlink()
        # PHP opens its error log in the worker, at each write: the folder must be the worker's.
        writable_by(WEB_USER, self.log_directory)
        (self.directory / "php-fpm.conf").write_text(self._configuration())

    def is_ready(self) -> bool:
        """See `Server.is_ready`.

        Its own process id in the file, which it writes once every socket listens. A socket that answers says
        less: workers of a master that was killed answer on it until they are gone, too.
        """
        written = self._pid_file.read_text() if self._pid_file.exists() else ""
        return written.strip() == str(self.pid) and is_listening(self.socket)

    def reopen_logs(self) -> None:
        """Make PHP-FPM reopen its logs as logrotate's post-rotate script does."""
        self.signal(signal.SIGUSR1)

    def _configuration(self) -> str:
        lines = [
            "[global]",
            f"pid = {self._pid_file}",
            f"error_log = {self.error_log}",
            "log_level = notice",
            "[www]",
            f"listen = {self.socket}",
            "pm = static",
            "pm.max_children = 4",
            "pm.status_path = /fpm-status",
            f"catch_workers_output = {'yes' if self._is_catching_output else 'no'}",
            "request_slowlog_timeout = 1s",
            "request_slowlog_trace_depth = 20",
            f"slowlog = {self.slow_log}",
            f"php_admin_value[error_log] = {self.php_error_log}",
            "php_admin_flag[log_errors] = on",
            "php_admin_flag[display_errors] = off",
            "php_admin_value[error_reporting] = 32767",
            *(f"php_admin_value[{name}] = {value}" for name, value in self._settings.items()),
        ]
        if os.geteuid() == 0:
            lines += [f"user = {WEB_USER}", f"group = {WEB_USER}", f"listen.owner = {WEB_USER}"]
        return "\n".join([*lines, self._extra]) + "\n"
