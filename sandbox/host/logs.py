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
    """Return every entry in the files of a log, oldest file first, without its final newline."""
    return [entry for part in written_parts(log) for entry in part]


def written_parts(log: LogFile) -> list[list[str]]:
    """Return the entries of each file of a log, oldest file first, in the order of writing.

    Between two files no order is known: after a rotation the old one still gets the lines of slow requests.
    """
    return [_split(data, log.entry_start) for data in _contents(log)]


def _split(data: bytes, entry_start: re.Pattern[bytes]) -> list[str]:
    starts = [match.start() for match in entry_start.finditer(data) if match.start() < len(data)]
    return [
        data[start:end].removesuffix(b"\n").decode(errors="replace") for start, end in pairwise([*starts, len(data)])
    ]


def written_bytes(log: LogFile) -> int:
    """Return how many bytes were written to a log, before any compression."""
    return sum(map(len, _contents(log)))


def _contents(log: LogFile) -> Iterator[bytes]:
    for file in generations(log.path):
        if file.exists():
            yield gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
