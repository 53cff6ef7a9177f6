"""Reads ``agent.toml`` and its ``conf.d/``. Refuses with all that is wrong at once, or returns a whole configuration.

Nothing here changes a file, looks anything up on a network, or defaults in silence.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.config.consistency import inconsistencies
from vawsum_agent.config.convert import convert
from vawsum_agent.config.model import AgentConfig, Config
from vawsum_agent.config.tree import Table, merge, table_of
from vawsum_agent.core.errors import ConfigError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_PATH = Path("/etc/vawsum-agent/agent.toml")

_LARGEST_FILE = 1 << 20
_DEEPEST_NESTING = 16
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that holds, and the files it came from in the order they were read."""

    config: Config
    files: tuple[Path, ...]


def load(path: Path) -> Loaded:
    """Read and check the configuration.

    Raises:
        ConfigError: with every violation.
    """
    tree, files, violations = _read(path)
    config = configured(tree, violations)
    return Loaded(config, files)


def load_agent(path: Path) -> AgentConfig:
    """Read ``[agent]`` alone: enough to find a running daemon, whatever was since done to the rest.

    Raises:
        ConfigError: a file can't be read, or this table is wrong.
    """
    tree, _, violations = _read(path)
    table = tree.entries.get("agent", Table(str(path), "agent"))
    violations = [violation for violation in violations if violation.key.partition(".")[0] in ("", "agent")]
    return configured(Table(tree.file, "", {"agent": table}), violations).agent


def configured(tree: Table, violations: Iterable[Violation] = ()) -> Config:
    """Turn merged tables into the model.

    Args:
        tree: the tables of all files.
        violations: what was found wrong before.

    Raises:
        ConfigError: with those violations and every other.
    """
    found = list(violations)
    config = convert(Config, tree, found)
    found += inconsistencies(config, tree)
    if found:
        raise ConfigError(found)
    return config


def _read(path: Path) -> tuple[Table, tuple[Path, ...], list[Violation]]:
    """The merged tables of the main file and its ``conf.d/``, and what is wrong with the files themselves."""
    violations: list[Violation] = []
    folder = path.parent / "conf.d"
    try:
        # As a shell's *.toml: what begins with a dot is an editor's.
        names = [entry for entry in folder.iterdir() if entry.suffix == ".toml" and not entry.name.startswith(".")]
    except FileNotFoundError:
        names = []
    except OSError as error:
        names = []
        violations.append(Violation(str(folder), "", error.strerror, "a folder that can be read"))
    files = (path, *sorted(names))
    tree = Table(str(path), "")
    for file in files:
        try:
            merge(tree, table_of(str(file), _parse(file)), violations)
        except _RefusedFileError as refused:
            violations.append(Violation(str(file), "", refused.found, refused.expected))
    return tree, files, violations


class _RefusedFileError(Exception):
    """A file that gives no tables."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected


def _parse(file: Path) -> dict[str, object]:
    content = _content(file)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _RefusedFileError(f"byte {error.start} is not UTF-8", "TOML, which is UTF-8") from error
    try:
        tables = tomllib.loads(text)
    except ValueError as error:  # also of numbers with thousands of digits
        raise _RefusedFileError(str(error), "TOML") from error
    except RecursionError as error:
        raise _RefusedFileError("deeper nesting", f"nesting of at most {_DEEPEST_NESTING}") from error
    _check_nesting(tables)
    return tables


def _content(file: Path) -> bytes:
    try:
        # A pipe without a writer would keep us waiting.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise _RefusedFileError(_KINDS.get(stat.S_IFMT(mode), "no file"), "a regular file")
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                content = stream.read(_LARGEST_FILE + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _RefusedFileError(error.strerror or str(error), "a file that can be read") from error
    if len(content) > _LARGEST_FILE:
        raise _RefusedFileError("a larger file", "at most 1 MiB")
    return content


def _check_nesting(tables: dict[str, object]) -> None:
    """Refuse what a recursive walk could not take; a dotted key nests without limit."""
    layer: list[object] = [tables]
    for _ in range(_DEEPEST_NESTING):
        layer = [child for item in layer for child in _children(item)]
        if not layer:
            return
    raise _RefusedFileError("deeper nesting", f"nesting of at most {_DEEPEST_NESTING}")


def _children(item: object) -> Iterable[object]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
