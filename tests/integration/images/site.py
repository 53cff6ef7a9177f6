"""A PHP site whose upload folder is served by the real Apache, with the configuration that we generate.

Names that contain ``vanishes-1``, ``-2`` or ``-3`` are removed while Apache is at work on them: between two rules of
ours, after the last of ours, and when Apache has found the file and has not opened it yet.
"""

from __future__ import annotations

import contextlib
import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sandbox.servers.apache import Apache
from sandbox.servers.php_fpm import PhpFpm
from sandbox.servers.process import open_directory
from vawsum_agent.config.model import ImagesFolder
from vawsum_agent.images.serve.apache import apache_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sandbox.servers.process import Server

BUCKET_URL = "https://images.vawsum.test/pictures/"
APPLICATION = b"the application"
PICTURE = b"\xff\xd8\xff\xe0 a picture"
SCRIPT = b"<?php echo 'executed: ', 6 * 7;"

_REMOVER = """#!/bin/sh
while read -r asked; do
    case $asked in
        *vanishes-"${asked##* }"*) rm -f -- "${asked% *}" && echo removed ;;
        *) echo kept ;;
    esac
done
"""
_NO_FILE = "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n"

FRONT_CONTROLLERS = {
    "none": "",
    "vhost": "RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} !-f\nRewriteRule . /index.php [L]\n",
    "directory": _NO_FILE,
    "htaccess": _NO_FILE,
    "fallback": "FallbackResource /index.php\n",
}
"""How an application takes all requests that are for no file, by where it says so."""


class Answer(NamedTuple):
    """What came back; ``location`` is empty for none."""

    status: int
    location: str
    body: bytes


@dataclass(frozen=True)
class Site:
    """The running site.

    Attributes:
        www: the document root.
        folders: what was configured.
    """

    apache: Apache
    www: Path
    folders: Sequence[ImagesFolder]

    def ask(self, path: str, method: str = "GET") -> Answer:
        """Send a path as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.apache.port, timeout=30)
        try:
            connection.putrequest(method, path)
            connection.endheaders()
            response = connection.getresponse()
            return Answer(response.status, response.getheader("Location", ""), response.read())
        finally:
            connection.close()


class _VirtualHost(Apache):
    """Has all that the test is about in a virtual host, as a site has."""

    def __init__(self, directory: Path, php_socket: Path, lines: str) -> None:
        super().__init__(directory, php_socket=php_socket)
        self._lines = lines

    def _configuration(self) -> str:
        text = super()._configuration().replace("AllowOverride None", "AllowOverride All")
        return f"{text}<VirtualHost 127.0.0.1:{self.port}>\n{self._lines}\n</VirtualHost>\n"


@contextlib.contextmanager
def site(front_controller: str = "none", *, before: str = "", after: str = "") -> Iterator[Site]:
    """Serve one upload folder at /uploads/, which the document root reaches through a symbolic link.

    Args:
        front_controller: one of `FRONT_CONTROLLERS`.
        before: lines of the virtual host, before ours.
        after: the same, behind them.
    """
    with open_directory("vawsum-images-") as root:
        folder = root / "shared" / "uploads"
        folder.mkdir(parents=True)
        www = root / "apache" / "www"
        www.mkdir(parents=True)
        (www / "uploads").symlink_to(folder)
        with serving(root, [folder_at(folder)], front_controller, before=before, after=after) as running:
            yield running


@contextlib.contextmanager
def serving(
    root: Path, folders: Sequence[ImagesFolder], front_controller: str = "none", *, before: str = "", after: str = ""
) -> Iterator[Site]:
    """Serve ``root/apache/www``, in which the test has laid out how the folders are reached; else as `site`."""
    www = root / "apache" / "www"
    (www / "index.php").write_bytes(b"<?php /* secret */ echo '%s';" % APPLICATION)
    remover = root / "remover.sh"
    remover.write_text(_REMOVER)
    remover.chmod(0o755)
    ours = root / "vawsum-images.conf"
    mark = "# It is here"
    written = apache_configuration(folders)
    assert mark in written
    ours.write_text(written.replace(mark, f"{_remove(1)}{mark}", 1))
    rules = FRONT_CONTROLLERS[front_controller]
    in_directory = f"RewriteEngine On\n{_remove(3)}{rules if front_controller != 'vhost' else ''}"
    if front_controller == "htaccess":
        (www / ".htaccess").write_text(in_directory)
        in_directory = ""
    lines = [
        f"DocumentRoot {www}",
        f'RewriteMap remover "prg:{remover}"',
        before,
        f"Include {ours}",
        _remove(2),
        rules if front_controller == "vhost" else "",
        f"<Directory {www}>\n{in_directory}</Directory>",
        after,
    ]
    # PHP-FPM itself runs nothing but .php, unless it is told to: here nothing but our lines is in the way.
    with PhpFpm(root / "fpm", extra="security.limit_extensions =") as fpm:
        text = (
            "\n".join(lines)
            .replace("@FPM@", f"proxy:unix:{fpm.socket}|fcgi://localhost/")
            .replace("@FOLDER@", folders[0].path)
        )
        with _VirtualHost(root / "apache", fpm.socket, text) as apache:
            yield Site(apache, www, folders)


def folder_at(path: Path, **settings: str) -> ImagesFolder:
    """A folder whose pictures go to `BUCKET_URL`."""
    return ImagesFolder(**{"name": "app", "path": str(path), "bucket": "b", "public_url": BUCKET_URL} | settings)  # type: ignore[arg-type]


def configuration_test(server: Server) -> list[str]:
    """The command that asks Apache whether a server's configuration holds."""
    return [*server.command(), "-t"]


def _remove(window: int) -> str:
    """A rule that removes the file that is asked for, by its name. VAWSUM_FILE_1 is where our rules have its path."""
    return f'RewriteCond "${{remover:%{{ENV:VAWSUM_FILE_1}} {window}}}" removed\nRewriteRule ^ - [E=REMOVED:{window}]\n'
