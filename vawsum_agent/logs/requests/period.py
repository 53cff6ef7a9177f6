"""Counts the lines of one minute, or of one second: in bulk where they are alike, one by one where not. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.lines import split_lines, split_parts
from vawsum_agent.logs.requests.columns import Columns, latencies_of, read_columns
from vawsum_agent.logs.requests.hosts import by_host, may_have_one
from vawsum_agent.logs.requests.line import read_line

if TYPE_CHECKING:
    from collections.abc import Iterable

_MIXED_BYTES = 512 << 10
"""Lines of several hosts are sorted that many at once: the more of each, the better."""

_SMALL_BYTES = 8 << 10
"""Where lines are not alike, smaller parts are tried, so that few lines have to be read one by one."""

_FEW_BYTES = 1 << 10
"""So little is read line by line at once."""


@dataclass(slots=True)
class Found:
    """What the lines of one virtual host came to.

    Attributes:
        certain_us, numbers: see `Latencies`.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    sent_bytes: int = 0
    certain_us: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def add(self, columns: Columns) -> None:
        """Add what more lines say."""
        self.statuses.update(columns.statuses)
        self.sent_bytes += columns.sent_bytes
        self.certain_us += columns.latencies.certain_us
        self.numbers += columns.latencies.numbers


class Period:
    """The lines of one minute, or of one second.

    Attributes:
        hosts: what was found, by virtual host; under the empty one, of lines that do not name any.
    """

    def __init__(self) -> None:
        self.hosts: defaultdict[bytes, Found] = defaultdict(Found)

    def count(self, parts: Iterable[bytes]) -> None:
        """Count parts of whole lines."""
        mixed: list[bytes] = []
        size = 0
        is_mixed = False
        for part in parts:
            # A log that has lines of several hosts goes on having them.
            is_mixed = is_mixed or not may_have_one(part)
            if not is_mixed:
                self._count_part(part)
                continue
            mixed.append(part)
            size += len(part)
            if size >= _MIXED_BYTES:
                self._count_mixed(b"".join(mixed))
                mixed, size = [], 0
        if mixed:
            self._count_mixed(b"".join(mixed))

    def _count_part(self, part: bytes) -> None:
        read = self._read(part)
        if read is not None:
            columns, host = read
            if host is None:
                self._count_mixed(part)
            else:
                self.hosts[host].add(columns)

    def _count_mixed(self, text: bytes) -> None:
        for host, lines in by_host(text):
            if host is None:
                self._count_lines(lines)
                continue
            read = self._read(lines)
            if read is not None:
                self.hosts[host].add(read[0])

    def _read(self, part: bytes) -> tuple[Columns, bytes | None] | None:
        """Read in bulk; None when the lines are not alike: then they are counted in smaller parts."""
        read = read_columns(part) if len(part) > _FEW_BYTES else None
        if read is None:
            smaller = [*split_parts(part, _SMALL_BYTES)]
            if len(smaller) == 1:
                self._count_lines(part)
            else:
                for small in smaller:
                    self._count_part(small)
        return read

    def _count_lines(self, part: bytes) -> None:
        numbers: defaultdict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
        for line in split_lines(part):
            read = read_line(line)
            if read is not None:
                host, status, sent_bytes, latency = read
                found = self.hosts[host]
                found.statuses[status] += 1
                found.sent_bytes += sent_bytes
                if latency[0]:
                    numbers[host].append(latency)
        for host, latencies in numbers.items():
            self.hosts[host].add(Columns(Counter(), 0, latencies_of(latencies)))
