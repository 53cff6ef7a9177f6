"""What a host writes: log files, and all their entries read back over every rotation that still exists."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NUMBER = re.compile(r"\.(\d+)(?:\.gz)?$")
ANY_LINE = re.compile(rb"^", re.MULTILINE)
PHP_ENTRY = re.compile(rb"^\[\d\d-[A-Z][a-z]{2}-\d{4} ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LogFile:
    """One log of a host.

    Attributes:
        name: also the format's name in the agent's configuration.
        path: the live file.
        entry_start: matches where an entry begins.
    """

    name: str
    path: Path
    entry_start: re.Pattern[bytes] = ANY_LINE


def generations(path: Path) -> list[Path]:
    """Return a log's files, oldest first: numbered rotations, compressed or not, then the live one."""
    rotated = [
        (int(match[1]), file) for file in path.parent.glob(f"{path.name}.*") if (match := _NUMBER.search(file.name))
    ]
    return [file for _, file in sorted(rotated, reverse=True)] + [path]


def written_entries(log: LogFile) -> list[str]:
    """Return every entry in the files of a log, in the order of writing, without its final newline."""
    entries: list[str] = []
    for data in _contents(log):
        starts = [match.start() for match in log.entry_start.finditer(data) if match.start() < len(data)]
        for start, end in pairwise([*starts, len(data)]):
            entries.append(data[start:end].removesuffix(b"\n").decode(errors="replace"))
    return entries


def written_bytes(log: LogFile) -> int:
    """Return how many bytes were written to a log, before any compression."""
    return sum(map(len, _contents(log)))


def _contents(log: LogFile) -> Iterator[bytes]:
    for file in generations(log.path):
        if file.exists():
            yield gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
