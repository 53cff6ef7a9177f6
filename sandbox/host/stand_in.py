"""A host for machines without Apache or PHP-FPM: writes the logs that they would write, and serves their status."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from sandbox.host.logs import PHP_ENTRY, LogFile
from sandbox.host.stand_in_status import StatusPages
from sandbox.host.visits import AGENT, PHP_VISITS, SLOW_S, Visit, url_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class StandInHost:
    """See `sandbox.host.web.WebHost`."""

    def __init__(self, directory: Path) -> None:
        folder = directory / "log"
        folder.mkdir(parents=True)
        self.description = (
            "a stand-in that writes the logs and serves the status of Apache and PHP-FPM (they are not installed here)"
        )
        self.logs = [
            LogFile("apache-access", folder / "access.log"),
            LogFile("apache-error", folder / "error.log"),
            LogFile("php-error", folder / "php-error.log", PHP_ENTRY),
        ]
        self.postrotate: Mapping[str, str] = {}
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()
        self._pages = StatusPages()
        self.status_urls: Mapping[str, str] = self._pages.urls
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
        """Close the files and the status pages."""
        self._pages.stop()
        with self._lock:
            for number in self._files.values():
                os.close(number)
            self._files.clear()

    def stop_php(self) -> None:
        """See `WebHost.stop_php`."""
        self._pages.stop_php()

    def start_php(self) -> None:
        """See `WebHost.start_php`."""
        self._pages.start_php()

    def visit(self, visit: Visit, number: str) -> None:
        """See `WebHost.visit`."""
        begun, counted = time.time(), time.monotonic()
        is_served = visit not in PHP_VISITS or self._pages.has_php
        if is_served:
            with self._pages.at_work(is_php=visit in PHP_VISITS):
                self._serve(visit, number, begun)
        status = {"missing": 404, "order": 500}.get(visit, 200) if is_served else 503
        took_us = int((time.monotonic() - counted) * 1e6)
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(begun))
        request = f'"GET {url_of(visit, number)} HTTP/1.1" {status} 215 "-" "{AGENT}"'
        self._write("apache-access", f"127.0.0.1 - - [{stamp}] {request} {took_us} {took_us // 10**6}\n")

    def _serve(self, visit: Visit, number: str, begun: float) -> None:
        if visit == "slow":
            time.sleep(SLOW_S)
        now = time.gmtime()
        if visit == "order":
            self._write("php-error", _php_entry(time.strftime("%d-%b-%Y %H:%M:%S", now), number))
        if visit == "missing":
            stamp = f"{time.strftime('%a %b %d %H:%M:%S', now)}.{int(begun % 1 * 1e6):06d} {now.tm_year}"
            text = f"AH00128: File does not exist: /var/www/html/gone/id={number}.html"
            self._write("apache-error", f"[{stamp}] [core:info] [pid 7:tid 9] [client 127.0.0.1:40000] {text}\n")

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
