"""What the server's own dump program makes of databases, line by line: the same text for the same content."""

from __future__ import annotations

import itertools
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_OPTIONS = (
    *("--opt", "--single-transaction", "--routines", "--events", "--triggers", "--hex-blob"),
    *("--default-character-set=utf8mb4", "--no-tablespaces", "--tz-utc", "--max-allowed-packet=1G"),
)
"""Written down once more, on purpose: were the agent's dumps without routines, a copy would differ from its source."""

_BODY, _TAIL = b"-- Current Database: ", (b"-- The deferred gtid setting", b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */")
_OF_THE_MOMENT = (b"--", b"/*M!999999\\-")
_OF_AN_OPTION = b"-- WHERE:  "
_SHOWN, _SHOWN_LINES = 200, 15


def dump_text(option_file: Path, databases: Sequence[str], into: Path) -> Path:
    """Write the dump of some databases of a server into a file. Raises CalledProcessError."""
    command = ["mariadb-dump", f"--defaults-file={option_file}", *_OPTIONS, "--databases", "--", *databases]
    with into.open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
    return into


def lines(dump: Path) -> Iterator[bytes]:
    """Give its lines, but what its head and its tail tell of the moment: when and where from, position, versions."""
    is_content = is_over = False
    empty = 0  # lines before this one, which belong to the tail where that comes next
    with dump.open("rb") as file:
        for line in file:
            is_content = not is_over and (is_content or line.startswith(_BODY))
            if is_content and line.startswith(_TAIL):
                is_content, is_over, empty = False, True, 0
            if line.startswith(_OF_AN_OPTION):
                continue
            if line == b"\n":
                empty += is_content
            elif is_content or not line.startswith(_OF_THE_MOMENT):
                yield from itertools.repeat(b"\n", empty)
                yield line
                empty = 0


def difference(first: Path, second: Path) -> str:
    """Tell where two texts part, with some lines of both from there on; empty where they don't."""
    pairs = enumerate(itertools.zip_longest(lines(first), lines(second), fillvalue=b""))
    for number, pair in pairs:
        if pair[0] != pair[1]:
            both = [pair, *(later for _, later in itertools.islice(pairs, _SHOWN_LINES))]
            shown = [f"{mark} {line[:_SHOWN]!r}" for at, mark in enumerate("-+") for line in (two[at] for two in both)]
            return "\n".join([f"line {number}:", *shown])
    return ""
