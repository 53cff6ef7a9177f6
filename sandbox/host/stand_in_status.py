"""Status pages for the stand-in host, in the form of Apache's mod_status and of PHP-FPM."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 64
PROCESSES = 4


class StatusPages:
    """Both pages on one free port, and the counts behind them. `stop` ends the server.

    Attributes:
        urls: by server, as they stand in the agent's configuration.
        has_php: whether PHP is there at all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._php_begun = time.monotonic()
        self._served = self._php_served = 0
        self._busy = self._php_busy = 0
        self.has_php = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        home = f"http://127.0.0.1:{self._server.server_port}"
        self.urls = {"apache": f"{home}/server-status?auto", "php_fpm": f"{home}/fpm-status?json"}
        self._thread = threading.Thread(target=self._server.serve_forever, name="status", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def stop_php(self) -> None:
        """Let PHP be gone: its page answers 503, as Apache does for it."""
        self.has_php = False

    def start_php(self) -> None:
        """Let PHP be there again; its counts begin anew."""
        with self._lock:
            self._php_begun, self._php_served = time.monotonic(), 0
        self.has_php = True

    @contextmanager
    def at_work(self, *, is_php: bool) -> Iterator[None]:
        """Count a request as running, then as served."""
        self._add(1, is_php=is_php)
        try:
            yield
        finally:
            self._add(-1, is_php=is_php)

    def _add(self, running: int, *, is_php: bool) -> None:
        with self._lock:
            self._busy += running
            self._served += running < 0
            if is_php:
                self._php_busy += running
                # Counted when accepted, as PHP-FPM does.
                self._php_served += running > 0

    def page(self, path: str) -> tuple[int, str]:
        """Return status and body of a page."""
        if path.startswith("/server-status"):
            return 200, self._apache()
        if path.startswith("/fpm-status"):
            return (200, self._php_fpm()) if self.has_php else (503, "Service Unavailable\n")
        return 404, "Not Found\n"

    def _apache(self) -> str:
        with self._lock:
            busy = min(self._busy + 1, WORKERS)  # the request for the page is one of them
            fields = {
                "ServerUptimeSeconds": int(time.monotonic() - self._begun),
                "Total Accesses": self._served,
                "BusyWorkers": busy,
                "IdleWorkers": WORKERS - busy,
                "Scoreboard": "W" * busy + "_" * (WORKERS - busy),
            }
        return "".join(f"{name}: {value}\n" for name, value in fields.items())

    def _php_fpm(self) -> str:
        with self._lock:
            busy = min(self._php_busy, PROCESSES)
            fields = {
                "pool": "www",
                "start since": int(time.monotonic() - self._php_begun),
                "accepted conn": self._php_served,
                "listen queue": self._php_busy - busy,
                "idle processes": PROCESSES - busy,
                "active processes": busy,
                "total processes": PROCESSES,
                "max children reached": 0,
                "slow requests": 0,
            }
        return json.dumps(fields)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = pages.page(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments: object) -> None:
                """Say nothing: the demo speaks."""

        return Handler
