"""Where the entries of a block are and which time each was given: all that is needed to compose a batch again.

A layout is written to the journal before its batch is sent, so that after a crash the same bytes make the same events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import orjson

TOO_OLD_MS = -1
"""In place of a time: these entries are counted as too old and not sent."""


class Run(NamedTuple):
    """Neighbouring bytes of one time. Where lines are entries it may be many lines, else it is one entry."""

    length: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The runs of a block in the order of the file; together they cover all of it.

    Attributes:
        is_by_line: every line is an entry.
        has_no_empty: it is known that no line is empty, since each states a time.
    """

    runs: list[Run]
    is_by_line: bool
    has_no_empty: bool = False

    def encode(self) -> bytes:
        """Write it for the journal."""
        flat: list[int] = []
        previous = 0
        for run in self.runs:
            flat += (run.length, run.time_ms - previous)
            previous = run.time_ms
        # A copy, since orjson's own keeps the whole of the buffer it was written in: thirty times its size.
        return bytes(bytearray(orjson.dumps([int(self.is_by_line), int(self.has_no_empty), flat])))

    @classmethod
    def decode(cls, body: bytes) -> Layout:
        """Read what `encode` wrote. Raises ValueError on anything else."""
        try:
            is_by_line, has_no_empty, flat = orjson.loads(body)
            runs = []
            previous = 0
            for length, difference in zip(flat[::2], flat[1::2], strict=True):
                previous += difference
                runs.append(Run(length, previous))
        except (TypeError, ValueError) as exc:
            message = "unreadable layout in the journal"
            raise ValueError(message) from exc
        return cls(runs, bool(is_by_line), bool(has_no_empty))
