"""Gives every entry of a block its time, and with that the block its layout.

An entry without a readable time takes the file's latest known one only when it belongs to the entry before it; else
the time it was read. One `Stamper` follows one file and remembers the latest time from block to block.
"""

from __future__ import annotations

from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.layout import TOO_OLD_MS, Layout, Run
from vawsum_agent.logs.batch.limits import TOO_OLD_S
from vawsum_agent.logs.batch.lines import split_lines, split_parts
from vawsum_agent.logs.batch.runs import find_runs, split_runs

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from vawsum_agent.logs.formats.format import Format

_KNOWN_TIMES = 4096
_TIME_OF = itemgetter(1)
_FEW_LINES = 3
_PART_BYTES = 32 << 10


class Stamper:
    """Stamps the blocks of one file, in their order."""

    def __init__(self, log_format: Format) -> None:
        self._format = log_format
        self._latest_ms: int | None = None
        self._given_ms: int | None = None
        self._is_inside_entry = False
        self._undated_count = 0

    def restart(self) -> None:
        """Forget where the last block ended: the next one is read from an older place again."""
        self._given_ms = None
        self._is_inside_entry = False

    def layout(self, block: bytes, read_at: float, *, counts_too_old: bool) -> Layout:
        """Lay out ``block``, which holds whole entries (or pieces of one that is longer than an event).

        Args:
            block: bytes of the file, following those of the last call.
            read_at: when they were read, seconds since the epoch.
            counts_too_old: whether entries older than CloudWatch takes are only counted, as they are in what a file
                held when it was met first.
        """
        head = self._rest_of_entry(block) if self._is_inside_entry else 0
        runs = [Run(head, self._time_before(read_at))] if head else []
        rest = block[head:] if head else block
        if rest:
            runs += self._by_line(rest, read_at) if not self._format.is_multiline else self._by_entry(rest, read_at)
        self._given_ms = runs[-1].time_ms
        is_dated = not self._format.is_multiline and not head and self._undated_count == 0
        self._is_inside_entry = not block.endswith(b"\n")
        if counts_too_old:
            oldest_ms = int((read_at - TOO_OLD_S) * 1000)
            if min(map(_TIME_OF, runs)) < oldest_ms:
                runs = [Run(length, time_ms if time_ms >= oldest_ms else TOO_OLD_MS) for length, time_ms in runs]
        return Layout(runs, is_by_line=not self._format.is_multiline, has_no_empty=is_dated)

    def _rest_of_entry(self, block: bytes) -> int:
        """Count the bytes that still belong to the entry that the last block ended in."""
        if self._format.start is None:
            return block.find(b"\n") + 1 or len(block)
        following = self._format.start.search(block, block.find(b"\n") + 1 or len(block))
        return following.start() if following else len(block)

    def _by_line(self, block: bytes, read_at: float) -> list[Run]:
        runs = []
        self._undated_count = 0
        known = self._format.known_ms
        read_ms = int(read_at * 1000)
        latest_ms = self._latest_ms
        for length, text in self._texts(block):
            time_ms = known.get(text)
            if time_ms is None:
                if text:
                    self._latest_ms = latest_ms
                    time_ms = self._time(text, read_at)
                else:
                    self._undated_count += 1
            if time_ms is None:
                runs.append(Run(length, read_ms))
            else:
                latest_ms = time_ms
                runs.append(Run(length, time_ms))
        self._latest_ms = latest_ms
        return runs

    def _texts(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield neighbouring lines with the same text of time as (their bytes, the text), which is empty for none."""
        found = find_runs(block, self._format.lines, self._format.run_mark)
        if found is not None:
            yield from found
        elif self._format.lines is None or not block.endswith(b"\n"):
            for line in split_lines(block):
                yield len(line), self._format.time_text(line) or b""
        else:
            # Part by part: a list of all lines of a block would take as much memory again as the block.
            for part in split_parts(block, _PART_BYTES):
                runs = split_runs(part, self._format.lines, self._format.run_mark)
                yield from runs if runs is not None else self._texts_in_bulk(part, self._format.lines)

    def _texts_in_bulk(self, block: bytes, lines: re.Pattern[bytes]) -> Iterator[tuple[int, bytes]]:
        split = block.split(b"\n")
        texts = lines.findall(block)
        lengths = [len(line) + 1 for line in split]
        if len(set(texts)) * _FEW_LINES > len(texts):
            # Hardly any line shares its time with the one before: putting them together costs more than it saves.
            groups: Iterator[tuple[int, bytes]] = zip(lengths, texts, strict=False)
        else:
            groups = _neighbours(lengths, texts)
        first = 0
        for length, text in groups:
            if text:
                yield length, text
            else:
                end = first + length
                for line in split_lines(block[first:end]):
                    yield len(line), self._format.time_text(line) or b""
            first += length

    def _by_entry(self, block: bytes, read_at: float) -> list[Run]:
        assert self._format.start is not None  # noqa: S101 - a format of many lines has one by its definition
        states_time = self._format.times is self._format.start
        found = [(match.start(), match[1] if states_time else b"") for match in self._format.start.finditer(block)]
        starts = [start for start, _ in found]
        runs = []
        last_text, time_ms = b"", None
        if not starts or starts[0] > 0:
            # The first lines continue an entry that was sent already.
            runs.append(Run(starts[0] if starts else len(block), self._time_before(read_at)))
        for (start, stated), end in zip(found, [*starts[1:], len(block)], strict=True):
            text = stated if states_time else self._format.time_text(block[start:end])
            # What directly follows its like is of the same moment, also in an hour that comes twice.
            if not text or text != last_text:
                time_ms = self._time(text, read_at) if text else None
                last_text = text or b""
            if time_ms is not None:
                self._latest_ms = time_ms
            runs.append(Run(end - start, self._or_read_time(time_ms, read_at)))
        return runs

    def _time(self, text: bytes, read_at: float) -> int | None:
        known = self._format.known_ms
        if text in known:
            return known[text]
        time_ms = self._format.time_ms(text, self._latest_ms, read_at)
        if time_ms is not None and time_ms < 0:
            time_ms = None
        if not self._format.is_contextual:
            if len(known) >= _KNOWN_TIMES:
                known.clear()
            known[text] = time_ms
        return time_ms

    def _time_before(self, read_at: float) -> int:
        """Give the time of what belongs to the entry before: the one that entry was given, readable or not."""
        return self._or_read_time(self._latest_ms if self._given_ms is None else self._given_ms, read_at)

    @staticmethod
    def _or_read_time(time_ms: int | None, read_at: float) -> int:
        return int(read_at * 1000) if time_ms is None else time_ms


def _neighbours(lengths: list[int], texts: list[bytes]) -> Iterator[tuple[int, bytes]]:
    ends = [*accumulate(lengths)]
    start = 0
    count = 0
    for text, group in groupby(texts):
        count += len(list(group))
        end = ends[count - 1]
        yield end - start, text
        start = end
