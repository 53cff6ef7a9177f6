"""A site that takes pictures over HTTP and serves them: real Apache with PHP, or a stand-in where these are missing."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from sandbox.host.stand_in_gallery import StandInGallery
from sandbox.host.web import can_be_real
from sandbox.servers.apache import Apache
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import WEB_USER, writable_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

UPLOAD_PATH = "/upload.php"
PICTURES_PATH = "/uploads/"

_FIELD = "picture"
_UPLOAD = f"""<?php
$picture = $_FILES['{_FIELD}'] ?? null;
$isFine = $picture && preg_match('/^[\\w +-]+\\.jpg$/', $picture['name'])
    && move_uploaded_file($picture['tmp_name'], __DIR__ . '{PICTURES_PATH}' . $picture['name']);
http_response_code($isFine ? 201 : 400);
"""


class Gallery(Protocol):
    """The site.

    Attributes:
        description: of what serves it.
        folder: where the pictures lie.
        owner: user whose they are.
        port: on the loopback address, while it is served.
    """

    description: str
    folder: Path
    owner: str
    port: int

    def serving(self, rules: Path, public_url: str) -> AbstractContextManager[None]:
        """Serve it.

        Args:
            rules: for Apache: what `vawsum-agent images apache-config` printed.
            public_url: where pictures are that went.
        """


class RealGallery:
    """Apache 2.4 and PHP-FPM in a directory of their own, with the rules that the agent writes."""

    def __init__(self, directory: Path) -> None:
        self.description = "Apache 2.4 with PHP-FPM, and the lines of vawsum-agent images apache-config"
        self.owner = owner_here()
        # PHP writes an upload there first, and moves it to its name when it is whole.
        self._incoming = directory / "incoming"
        self._fpm = PhpFpm(directory / "fpm", settings={"upload_tmp_dir": str(self._incoming)})
        self._apache = _Site(directory / "apache", php_socket=self._fpm.socket)
        self.port = self._apache.port
        self.folder = self._apache.document_root / PICTURES_PATH.strip("/")
        writable_by(self.owner, self._incoming, self.folder)

    @contextmanager
    def serving(self, rules: Path, public_url: str) -> Iterator[None]:
        """See `Gallery.serving`."""
        del public_url  # the rules say it
        self._apache.rules = rules
        (self._apache.document_root / UPLOAD_PATH.strip("/")).write_text(_UPLOAD)
        with self._fpm, self._apache:
            yield


class _Site(Apache):
    """Has the rules in a virtual host, where alone they hold."""

    rules: Path

    def _configuration(self) -> str:
        lines = ["RewriteEngine On", f"Include {self.rules}"]
        return "\n".join([super()._configuration(), f"<VirtualHost 127.0.0.1:{self.port}>", *lines, "</VirtualHost>\n"])


def make_gallery(directory: Path) -> Gallery:
    """Lay out a site below ``directory``: a real one where Apache and PHP-FPM are installed. It is not served yet."""
    return RealGallery(directory) if can_be_real() else StandInGallery(directory, owner_here())


def owner_here() -> str:
    """Name the user whose the pictures are: the web user where root starts the servers."""
    return WEB_USER if os.geteuid() == 0 else getpass.getuser()


def form(name: str, content: bytes) -> tuple[bytes, dict[str, str]]:
    """Write an upload as a browser does. Returns its body and headers."""
    boundary = b"vawsum-boundary"
    head = f'Content-Disposition: form-data; name="{_FIELD}"; filename="{name}"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = b"--%b\r\n%b%b\r\n--%b--\r\n" % (boundary, head.encode(), content, boundary)
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"}
