"""A private rsyslog that writes what arrives on its own socket in the three usual file formats."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from sandbox.servers.process import Server, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEMPLATES: Mapping[str, str] = {
    "traditional.log": "RSYSLOG_TraditionalFileFormat",
    "iso.log": "RSYSLOG_FileFormat",
    "rfc5424.log": "RSYSLOG_SyslogProtocol23Format",
}
"""File name → rsyslog's built-in template: RFC 3164 without a year, ISO 8601 stamps, RFC 5424."""


class Rsyslog(Server):
    """rsyslog in the foreground with its configuration, socket and logs below ``directory``."""

    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.socket = directory / "log.sock"
        self.log_directory = directory / "log"

    def command(self) -> list[str]:
        """See `Server.command`."""
        return ["/usr/sbin/rsyslogd", "-n", "-f", f"{self.directory}/rsyslog.conf", "-i", f"{self.directory}/pid"]

    def prepare(self) -> None:
        """Make the folder and write ``rsyslog.conf``."""
        self.log_directory.mkdir(parents=True, exist_ok=True)
        lines = [
            f'global(workDirectory="{self.directory}")',
            'module(load="imuxsock" SysSock.Use="off")',
            f'input(type="imuxsock" Socket="{self.socket}" CreatePath="on")',
            *(
                f'action(type="omfile" file="{self.log_directory}/{file}" template="{template}")'
                for file, template in TEMPLATES.items()
            ),
        ]
        (self.directory / "rsyslog.conf").write_text("\n".join(lines) + "\n")

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        return self.socket.exists()

    def log(self, message: str, *, tag: str = "vawsum") -> None:
        """Send one message through logger(1)."""
        run("logger", "--socket", str(self.socket), "--tag", tag, "--id", message)
