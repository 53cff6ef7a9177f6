"""A web host under test: real Apache with PHP-FPM, or a stand-in that writes the same logs itself."""

from __future__ import annotations

import http.client
import os
import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from sandbox.host.logs import PHP_ENTRY, LogFile
from sandbox.servers.apache import Apache
from sandbox.servers.php_fpm import PhpFpm, fpm_binary
from sandbox.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Visit = Literal["page", "script", "slow", "missing", "order"]
"""What a visitor asks for: a file, a PHP script, a slow one, a page that isn't there, an order that fails."""

VISITS: tuple[Visit, ...] = get_args(Visit)
VISIT_LIMIT_S = 15.0
SLOW_S = 1.2

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


def url_of(visit: Visit, number: str) -> str:
    """Return the path of a visit; it carries the id, so that every log line it causes does."""
    return {
        "page": f"/page.html?id={number}",
        "script": f"/index.php?id={number}",
        "slow": f"/slow.php?id={number}",
        "missing": f"/gone/id={number}.html",
        "order": f"/order.php?id={number}",
    }[visit]


class WebHost(Protocol):
    """A host that answers visits and logs them."""

    description: str
    logs: list[LogFile]
    postrotate: Mapping[str, str]
    """Shell command by log name that makes its writer reopen it."""

    def visit(self, visit: Visit, number: str) -> None:
        """Serve one visit; raises OSError when it is unknown whether it was served."""

    def reopen_logs(self) -> None:
        """Reopen logs after a rotation, for writers that no shell command reaches."""


class RealHost:
    """Apache 2.4 and PHP-FPM in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self._fpm = PhpFpm(directory / "fpm", settings={"date.timezone": "UTC"})
        self._apache = Apache(directory / "apache", php_socket=self._fpm.socket)
        self.description = "Apache 2.4 with PHP-FPM"
        self.logs = [
            LogFile("apache-access", self._apache.access_log),
            LogFile("apache-error", self._apache.error_log),
            LogFile("php-error", self._fpm.php_error_log, PHP_ENTRY),
        ]
        reopen = f"kill -USR1 $(cat {directory}/apache/apache.pid)"
        self.postrotate: Mapping[str, str] = {"apache-access": reopen, "apache-error": reopen}

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

    def visit(self, visit: Visit, number: str) -> None:
        """See `WebHost.visit`. One connection a visit: a kept one may be closed under it by a graceful restart."""
        connection = http.client.HTTPConnection("127.0.0.1", self._apache.port, timeout=VISIT_LIMIT_S)
        try:
            connection.request("GET", url_of(visit, number), headers={"User-Agent": "Mozilla/5.0 (X11; Linux)"})
            connection.getresponse().read()
        except http.client.HTTPException as exc:
            raise ConnectionError(str(exc)) from exc
        finally:
            connection.close()

    def reopen_logs(self) -> None:
        """Nothing: signals reach these writers, and PHP opens its error log for every write."""


class StandInHost:
    """Writes what Apache and PHP-FPM would write, for machines that have neither."""

    def __init__(self, directory: Path) -> None:
        folder = directory / "log"
        folder.mkdir(parents=True)
        self.description = "a stand-in that writes Apache's and PHP's logs itself (they are not installed here)"
        self.logs = [
            LogFile("apache-access", folder / "access.log"),
            LogFile("apache-error", folder / "error.log"),
            LogFile("php-error", folder / "php-error.log", PHP_ENTRY),
        ]
        self.postrotate: Mapping[str, str] = {}
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()
        self.reopen_logs()

    def reopen_logs(self) -> None:
        """See `WebHost.reopen_logs`. The old files are closed after the new ones are open, as servers do."""
        with self._lock:
            old, self._files = self._files, {}
            for log in self.logs:
                self._files[log.name] = os.open(log.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        for number in old.values():
            os.close(number)

    def stop(self) -> None:
        """Close the files."""
        with self._lock:
            for number in self._files.values():
                os.close(number)
            self._files.clear()

    def visit(self, visit: Visit, number: str) -> None:
        """See `WebHost.visit`."""
        begun = time.time()
        if visit == "slow":
            time.sleep(SLOW_S)
        now = time.gmtime()
        if visit == "order":
            self._write("php-error", _php_entry(time.strftime("%d-%b-%Y %H:%M:%S", now), number))
        if visit == "missing":
            stamp = f"{time.strftime('%a %b %d %H:%M:%S', now)}.{int(begun % 1 * 1e6):06d} {now.tm_year}"
            text = f"AH00128: File does not exist: /var/www/html/gone/id={number}.html"
            self._write("apache-error", f"[{stamp}] [core:info] [pid 7:tid 9] [client 127.0.0.1:40000] {text}\n")
        status = {"missing": 404, "order": 500}.get(visit, 200)
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(begun))
        request = f'"GET {url_of(visit, number)} HTTP/1.1" {status} 215 "-" "Mozilla/5.0 (X11; Linux)"'
        self._write("apache-access", f"127.0.0.1 - - [{stamp}] {request}\n")

    def _write(self, name: str, text: str) -> None:
        with self._lock:
            os.write(self._files[name], text.encode())


def _php_entry(stamp: str, number: str) -> str:
    script = "/var/www/html/order.php"
    return (
        f"[{stamp} UTC] PHP Fatal error:  Uncaught RuntimeException: order id={number} was declined\nby the bank "
        f"in {script}:4\nStack trace:\n#0 {script}(9): charge('{number}')\n#1 {script}(12): checkout('{number}')\n"
        f"#2 {{main}}\n  thrown in {script} on line 4\n"
    )


@contextmanager
def open_host(directory: Path) -> Iterator[WebHost]:
    """Run a web host below `directory`: a real one where Apache and PHP-FPM are installed."""
    if not _can_be_real():
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


def _can_be_real() -> bool:
    try:
        fpm_binary()
    except ServerError:
        return False
    return shutil.which("apache2", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None
