"""A web host under test: real Apache with PHP-FPM, or a stand-in that writes the same logs itself."""

from __future__ import annotations

import http.client
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sandbox.host.logs import PHP_ENTRY, LogFile
from sandbox.host.stand_in import StandInHost
from sandbox.host.visits import AGENT, SLOW_S, Visit, url_of
from sandbox.servers.apache import Apache
from sandbox.servers.php_fpm import PhpFpm, fpm_binary
from sandbox.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ETC = Path(__file__).parents[2] / "etc"
VISIT_LIMIT_S = 15.0

_SCRIPT = "<?php echo 'hello ', htmlspecialchars($_GET['id']);\n"
_SLOW = f"<?php usleep({int(SLOW_S * 1e6)}); echo 'at last';\n"
_ORDER = """<?php
function charge(string $order): void
{
    throw new RuntimeException("order id=$order was declined\\nby the bank");
}

function checkout(string $order): void
{
    charge($order);
}

checkout($_GET['id']);
"""


class WebHost(Protocol):
    """A host that answers visits and logs them."""

    description: str
    logs: list[LogFile]
    postrotate: Mapping[str, str]
    """Shell command by log name that makes its writer reopen it."""
    status_urls: Mapping[str, str]
    """Status page by server: `apache` and `php_fpm`. Requests for them stand in no access log."""

    def visit(self, visit: Visit, number: str) -> None:
        """Serve one visit; raises OSError when it is unknown whether it was served."""

    def reopen_logs(self) -> None:
        """Reopen logs after a rotation, for writers that no shell command reaches."""

    def stop_php(self) -> None:
        """Stop PHP-FPM alone: what it should answer gets a 503 from then on."""

    def start_php(self) -> None:
        """Start PHP-FPM again."""


class RealHost:
    """Apache 2.4 and PHP-FPM in a directory of their own, with the snippets for status pages that the agent ships."""

    def __init__(self, directory: Path) -> None:
        status = directory / "fpm" / "status.sock"
        pool = (ETC / "php/vawsum-status.conf").read_text().replace("/run/php/vawsum-status.sock", str(status))
        self._fpm = PhpFpm(directory / "fpm", settings={"date.timezone": "UTC"}, extra=pool)
        self._apache = Apache(
            directory / "apache",
            access_logs={"access.log": "combined_timed"},
            php_socket=self._fpm.socket,
            extra=f"Define VAWSUM_FPM_STATUS_SOCKET {status}\nInclude {ETC}/apache2/vawsum-status.conf",
            unlogged="^/(server|fpm)-status$",
        )
        self.description = "Apache 2.4 with PHP-FPM"
        self.logs = [
            LogFile("apache-access", self._apache.access_log),
            LogFile("apache-error", self._apache.error_log),
            LogFile("php-error", self._fpm.php_error_log, PHP_ENTRY),
        ]
        reopen = f"kill -USR1 $(cat {directory}/apache/apache.pid)"
        self.postrotate: Mapping[str, str] = {"apache-access": reopen, "apache-error": reopen}
        home = f"http://127.0.0.1:{self._apache.port}"
        self.status_urls: Mapping[str, str] = {
            "apache": f"{home}/server-status?auto",
            "php_fpm": f"{home}/fpm-status?json",
        }

    def start(self) -> None:
        """Write the site and start both servers."""
        root = self._apache.document_root
        root.mkdir(parents=True, exist_ok=True)
        pages = {"page.html": "<p>hello\n", "index.php": _SCRIPT, "slow.php": _SLOW, "order.php": _ORDER}
        for name, text in pages.items():
            (root / name).write_text(text)
        self._fpm.start()
        self._apache.start()

    def stop(self) -> None:
        """Stop both servers; what they had to log is in the files then."""
        self._apache.stop()
        self._fpm.stop()

    def stop_php(self) -> None:
        """See `WebHost.stop_php`."""
        self._fpm.stop()

    def start_php(self) -> None:
        """See `WebHost.start_php`."""
        self._fpm.start()

    def visit(self, visit: Visit, number: str) -> None:
        """See `WebHost.visit`. One connection a visit: a kept one may be closed under it by a graceful restart."""
        connection = http.client.HTTPConnection("127.0.0.1", self._apache.port, timeout=VISIT_LIMIT_S)
        try:
            connection.request("GET", url_of(visit, number), headers={"User-Agent": AGENT})
            connection.getresponse().read()
        except http.client.HTTPException as exc:
            raise ConnectionError(str(exc)) from exc
        finally:
            connection.close()

    def reopen_logs(self) -> None:
        """Nothing: signals reach these writers, and PHP opens its error log for every write."""


@contextmanager
def open_host(directory: Path) -> Iterator[WebHost]:
    """Run a web host below `directory`: a real one where Apache and PHP-FPM are installed."""
    if not can_be_real():
        stand_in = StandInHost(directory)
        try:
            yield stand_in
        finally:
            stand_in.stop()
        return
    host = RealHost(directory)
    try:
        host.start()
        yield host
    finally:
        host.stop()


def can_be_real() -> bool:
    """Whether Apache and PHP-FPM are installed."""
    try:
        fpm_binary()
    except ServerError:
        return False
    return shutil.which("apache2", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None
