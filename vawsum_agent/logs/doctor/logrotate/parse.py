"""Reads logrotate's configuration (logrotate.conf(5)): which patterns are rotated how, and which line says so.

As lenient as logrotate itself: what it does not know it passes over.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCRIPTS = frozenset({"prerotate", "postrotate", "firstaction", "lastaction", "preremove"})
_SWITCHES = frozenset(
    {"compress", "copy", "copytruncate", "create", "dateext", "delaycompress", "olddir", "renamecopy", "shred"}
)
_PERIODS = frozenset({"hourly", "daily", "weekly", "monthly", "yearly"})
_TABOO = (
    *(".bak", ".cfsaved", ".disabled", ".dpkg-bak", ".dpkg-del", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".rpmnew"),
    *(".rpmorig", ".rpmsave", ".swp", ".ucf-dist", ".ucf-new", ".ucf-old", ",v", "~"),
)
_PATTERN_BEGINS = "/\"'~"
_DEEPEST_INCLUDE = 5


@dataclass(frozen=True, slots=True)
class Option:
    """A directive in force: its value, and the line that says so."""

    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Stanza:
    """The rotation of some files.

    Attributes:
        options: what is in force, by directive; ``daily`` and the like are under ``period``, and what is switched off
            is not there.
    """

    patterns: tuple[str, ...]
    where: str
    options: dict[str, Option]

    def value(self, name: str, default: str = "") -> str:
        """Give the value of a directive."""
        option = self.options.get(name)
        return default if option is None else option.value

    def where_of(self, *names: str) -> str:
        """Tell the line of the first of these directives that is in force, else that of the stanza."""
        return next((self.options[name].where for name in names if name in self.options), self.where)

    def covers(self, path: str) -> bool:
        """Whether it rotates a file."""
        return any(_fits(pattern, path) for pattern in self.patterns)


def read_logrotate(root: Path = Path("/")) -> list[Stanza]:
    """Read ``etc/logrotate.conf`` below a root and what it includes; where it is missing, ``etc/logrotate.d``.

    Files that can't be read are left out.
    """
    reading = _Reading(root)
    main = root / "etc/logrotate.conf"
    reading.include(main if main.exists() else root / "etc/logrotate.d", 0)
    return reading.stanzas


def _fits(pattern: str, path: str) -> bool:
    """Compare as glob(7) does: part by part, so that ``*`` passes no slash."""
    patterns, parts = pattern.split("/"), path.split("/")
    return len(patterns) == len(parts) and all(map(fnmatchcase, parts, patterns))


class _Reading:
    """One pass over the configuration. What stands outside of stanzas holds for all that come after it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._defaults: dict[str, Option] = {}
        self.stanzas: list[Stanza] = []

    def include(self, path: Path, depth: int) -> None:
        """Read a file, or a folder's files in the order of their names."""
        if depth > _DEEPEST_INCLUDE:
            return
        try:
            entries = sorted(path.iterdir()) if path.is_dir() else [path]
        except OSError:
            return
        for entry in entries:
            if entry.is_file() and not entry.name.startswith(".") and not entry.name.endswith(_TABOO):
                self._file(entry, depth)

    def _file(self, path: Path, depth: int) -> None:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        lines = _lines(text, str(path))
        patterns: list[str] = []
        begins_at = ""
        for where, line in lines:
            if line == "{":
                self.stanzas.append(self._stanza(tuple(patterns), begins_at or where, lines))
                patterns, begins_at = [], ""
            elif patterns or line[0] in _PATTERN_BEGINS:
                begins_at = begins_at or where
                patterns += _words(line)
            else:
                self._directive(line, where, self._defaults, lines)
                included = self._defaults.pop("include", None)
                if included is not None:
                    self.include(self._root / included.value.lstrip("/"), depth + 1)

    def _stanza(self, patterns: tuple[str, ...], where: str, lines: Iterator[tuple[str, str]]) -> Stanza:
        options = dict(self._defaults)
        for at, line in lines:
            if line.startswith("}"):
                break
            self._directive(line, at, options, lines)
        return Stanza(patterns, where, options)

    def _directive(self, line: str, where: str, options: dict[str, Option], lines: Iterator[tuple[str, str]]) -> None:
        name, _, rest = line.replace("=", " ", 1).replace("\t", " ").partition(" ")
        value = rest.partition("#")[0].strip().strip("\"'")
        if name in _SCRIPTS:
            options[name] = Option("", where)
            for _, text in lines:
                if text == "endscript":
                    break
        elif name in _PERIODS:
            # The last of them decides whether age or size alone makes it rotate.
            options.pop("size", None)
            options["period"] = Option(name, where)
        elif name.startswith("no") and name[2:] in _SWITCHES:
            options.pop(name[2:], None)
        else:
            if name == "size":
                options.pop("period", None)
            options[name] = Option(value, where)


def _lines(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Give each line that says something, with its place; the brace after patterns is a line of its own."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        parts = line.partition("{") if line[0] in _PATTERN_BEGINS + "{" else (line,)
        for part in parts:
            if part.strip():
                yield f"{name}:{number}", part.strip()


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
