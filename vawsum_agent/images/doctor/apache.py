"""Asks the Apache of this host: what it answers, and which files its configuration includes. Decides nothing."""

from __future__ import annotations

import http.client
import re
import shutil
import subprocess
import urllib.parse
from pathlib import Path
from typing import NamedTuple

_LIMIT_S = 10.0
_INCLUDED = re.compile(r"^\s*\((?:\*|\d+)\) (/.+)$", re.MULTILINE)
_COMMANDS = ("apache2ctl", "apachectl", "httpd")


class Answer(NamedTuple):
    """What Apache said; ``location`` is empty for none."""

    status: int
    location: str


class LocalApache:
    """The Apache of this host.

    Args:
        status_url: of its status page, which tells where it listens; None where that is not known.
        command: with which it tells about its configuration; None for what is found.
    """

    def __init__(self, status_url: str | None, command: list[str] | None = None) -> None:
        self._status_url = status_url
        self._command = command

    def answer(self, path: str) -> Answer | None:
        """Ask for a path of the virtual host that answers on its status page's address; None without an answer."""
        if self._status_url is None:
            return None
        parts = urllib.parse.urlsplit(self._status_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_LIMIT_S)
        try:
            connection.request("HEAD", path, headers={"User-Agent": "vawsum-agent"})
            response = connection.getresponse()
        except (OSError, http.client.HTTPException):
            return None
        else:
            return Answer(response.status, response.getheader("Location", ""))
        finally:
            connection.close()

    def included(self) -> list[str] | None:
        """Give the texts of all files that make up its configuration; None where it does not tell."""
        command = self._command or _found_command()
        if command is None:
            return None
        try:
            done = subprocess.run(
                [*command, "-t", "-D", "DUMP_INCLUDES"], capture_output=True, text=True, timeout=_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        paths = _INCLUDED.findall(done.stdout)
        return [text for path in dict.fromkeys(paths) if (text := _read(path)) is not None] if paths else None


def _found_command() -> list[str] | None:
    path = next(filter(None, map(shutil.which, _COMMANDS)), None)
    return [path] if path else None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
