"""A private MariaDB server with an empty data directory and a passwordless root account."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox.servers.process import Server, free_port, is_listening, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class MariaDb(Server):
    """MariaDB in the foreground with its configuration, data, socket and logs below ``directory``.

    Attributes:
        option_file: a ``[client]`` section that reaches this server as root; mode 0600.
        error_log: the server's error log.
        slow_log: every statement, since ``long_query_time`` is 0.

    Args:
        directory: its own.
        options: lines for the ``[mysqld]`` section, such as ``log_bin = binlog``.
        log_directory: where the logs go; ``directory/log`` unless given.
    """

    start_timeout_s = 60.0

    def __init__(self, directory: Path, *, options: Sequence[str] = (), log_directory: Path | None = None) -> None:
        super().__init__(directory)
        self.port = free_port()
        self.socket = directory / "mysql.sock"
        self.data_directory = directory / "data"
        self.log_directory = log_directory or directory / "log"
        self.error_log = self.log_directory / "error.log"
        self.slow_log = self.log_directory / "slow.log"
        self.option_file = directory / "client.cnf"
        self._options = list(options)

    def command(self) -> list[str]:
        """See `Server.command`."""
        return ["/usr/sbin/mariadbd", f"--defaults-file={self.directory}/server.cnf"]

    def prepare(self) -> None:
        """Write the option files; make the data directory unless there is one (takes a second or two)."""
        self.log_directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "server.cnf").write_text(self._configuration())
        self.option_file.touch(mode=0o600)
        self.option_file.write_text(f"[client]\nuser = root\nsocket = {self.socket}\n")
        if not (self.data_directory / "mysql").is_dir():
            run(
                "mariadb-install-db",
                f"--defaults-file={self.directory}/server.cnf",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            )

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        return is_listening(self.socket)

    def execute(self, sql: str, *, database: str = "", user: str = "root", timeout_s: float = 60.0) -> str:
        """Run SQL statements through the ``mariadb`` client and return its tab-separated output.

        Raises:
            ServerError: a statement failed.
        """
        option_file = f"--defaults-file={self.option_file}"
        command = ("mariadb", option_file, f"--user={user}", "--batch", "-N", database)
        return run(*command, stdin=sql.encode(), timeout_s=timeout_s).decode()

    def flush_logs(self) -> None:
        """Make the server reopen its logs as logrotate's post-rotate script does."""
        self.execute("FLUSH LOCAL ERROR LOGS, SLOW LOGS")

    def _configuration(self) -> str:
        lines = [
            "[mysqld]",
            f"datadir = {self.data_directory}",
            f"socket = {self.socket}",
            f"pid_file = {self.directory}/mysql.pid",
            f"tmpdir = {self.directory}",
            "bind_address = 127.0.0.1",
            f"port = {self.port}",
            f"log_error = {self.error_log}",
            "slow_query_log = ON",
            f"slow_query_log_file = {self.slow_log}",
            "long_query_time = 0",
            "innodb_buffer_pool_size = 32M",
            "innodb_log_file_size = 8M",
            "innodb_flush_log_at_trx_commit = 2",
            "performance_schema = OFF",
            *self._options,
        ]
        if os.geteuid() == 0:
            lines.append("user = root")  # it refuses to run as root unless told to
        return "\n".join(lines) + "\n"
