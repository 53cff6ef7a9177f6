"""What a unit of systemd keeps from its service, by its text: which folders it hides, and which it makes read-only.

Pure but for `unit_text`. Knows the settings that our own units and drop-ins have, no others.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.images.units import HOMES, READ_ONLY_FOR_HELPER, is_below

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIMIT_S = 5.0
_SYSTEM = READ_ONLY_FOR_HELPER[:4]
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_YES = frozenset({"1", "yes", "true", "on"})


def unit_text(unit: str) -> str:
    """Read a unit with its drop-ins; empty where systemd does not run, or does not know it."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return ""
    command = [systemctl, "cat", unit]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is kept from a service (systemd.exec(5)).

    Attributes:
        closed: not there, nor anything below.
        covered: not there, but for what is opened again.
        read_only: can't be written, but for what is opened or writable.
        opened: there again.
        writable: may be written again.
    """

    closed: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Confinement:
        """Take it from the text of a unit; what follows takes the place of, or adds to, what was said before."""
        settings = _settings(text)
        home, system = _last(settings, "ProtectHome"), _last(settings, "ProtectSystem")
        read_only = _SYSTEM if system == "full" else ("/",) if system == "strict" else ()
        bound = _paths(settings.get("BindPaths", ()))
        return cls(
            closed=(*_paths(settings.get("InaccessiblePaths", ())), *(HOMES if home in _YES else ())),
            covered=(*_paths(settings.get("TemporaryFileSystem", ())), *(HOMES if home == "tmpfs" else ())),
            read_only=(*read_only, *_paths(settings.get("ReadOnlyPaths", ()))),
            opened=(*_paths(settings.get("BindReadOnlyPaths", ())), *bound),
            writable=(*_paths(settings.get("ReadWritePaths", ())), *bound),
        )

    def hides(self, path: str) -> bool:
        """Whether the service does not see a folder that is there."""
        if is_below(path, self.closed):
            return True
        return _is_kept(path, self.covered, self.opened)

    def keeps_from_writing(self, path: str) -> bool:
        """Whether the service may not write to a folder that it sees."""
        return _is_kept(path, self.read_only, self.writable)


def _is_kept(path: str, kept: Iterable[str], exceptions: Iterable[str]) -> bool:
    """Whether a path lies in one of the folders, and in none of the exceptions within that."""
    holding = [exception for exception in exceptions if is_below(path, [exception])]
    return any(
        is_below(path, [folder]) and not any(is_below(exception, [folder]) for exception in holding) for folder in kept
    )


def _settings(text: str) -> dict[str, list[str]]:
    """Gather the values by name, as they follow each other; an empty one forgets those before it."""
    found: dict[str, list[str]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        name, is_setting, value = line.strip().partition("=")
        if not is_setting or name.startswith(("#", ";", "[")):
            continue
        if value.strip():
            found.setdefault(name.strip(), []).append(value.strip())
        else:
            found.pop(name.strip(), None)
    return found


def _last(settings: dict[str, list[str]], name: str) -> str:
    return settings.get(name, [""])[-1].lower()


def _paths(values: Iterable[str]) -> tuple[str, ...]:
    """Take the paths out of lists such as ``-/a /b:ro "-/c d"``."""
    return tuple(_path(quoted, plain) for value in values for quoted, plain in _WORD.findall(value) if quoted or plain)


def _path(quoted: str, plain: str) -> str:
    # What stands behind a colon are options; what we quote has none, and perhaps colons of its own.
    path = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.partition(":")[0]
    return path.lstrip("-+").replace("%%", "%").rstrip("/") or "/"
