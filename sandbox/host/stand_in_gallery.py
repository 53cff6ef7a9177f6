"""A gallery for machines without Apache or PHP-FPM: takes uploads, serves what is here and leads on to what went."""

from __future__ import annotations

import re
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from sandbox.servers.process import free_port, writable_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(rb'filename="([\w +-]+\.jpg)"')


class StandInGallery:
    """See `sandbox.host.gallery.Gallery`."""

    def __init__(self, directory: Path, owner: str) -> None:
        self.description = "a stand-in for Apache and PHP, which are not installed here"
        self.folder = directory / "www" / "uploads"
        self.owner = owner
        self.port = free_port()
        self._incoming = directory / "incoming"
        self._last = 0
        self._lock = threading.Lock()
        writable_by(owner, self._incoming, self.folder)

    @contextmanager
    def serving(self, rules: Path, public_url: str) -> Iterator[None]:
        """See `Gallery.serving`."""
        del rules
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self, public_url))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="gallery", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def take(self, body: bytes) -> bool:
        """Store an upload under its name once it is whole; False when it has none that does."""
        head, _, rest = body.partition(b"\r\n\r\n")
        boundary = head.partition(b"\r\n")[0]
        content, end, _ = rest.rpartition(b"\r\n" + boundary)
        name = _NAME.search(head)
        if name is None or not end:
            return False
        with self._lock:
            self._last += 1
            partial = self._incoming / f"php{self._last}"
        partial.write_bytes(content)
        shutil.chown(partial, self.owner)
        partial.rename(self.folder / name[1].decode())
        return True


def _handler(gallery: StandInGallery, public_url: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            is_fine = gallery.take(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(201 if is_fine else 400)

        def do_GET(self) -> None:
            name = unquote(self.path).rpartition("/")[2]
            try:
                self._answer(200, (gallery.folder / name).read_bytes())
            except FileNotFoundError:
                self._answer(302, location=public_url + quote(name))

        def _answer(self, status: int, body: bytes = b"", location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing: the demo speaks."""

    return Handler
