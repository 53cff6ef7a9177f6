"""``/proc/PID/stat`` of one process (proc_pid_stat(5)). Pure."""

from __future__ import annotations

from typing import NamedTuple

_STATE, _UTIME, _STIME, _THREADS, _STARTED, _RSS = 0, 11, 12, 17, 19, 21
"""Places after the name; the first is field 3 of the man page."""
_MOST_DIGITS = 20
MOST_BYTES = 2048
"""No line is longer: some fifty numbers of at most 20 digits, and a name."""


class ProcessStat(NamedTuple):
    """What we take from it.

    Attributes:
        command: as ``ps -o comm`` shows it; may hold spaces, parentheses, newlines, anything.
        state: one letter.
        cpu_ticks: user and system time of all its threads, those that ended included.
        started_ticks: since boot; with the process id it names one process for ever.
        rss_pages: resident memory.
    """

    command: bytes
    state: bytes
    cpu_ticks: int
    threads: int
    started_ticks: int
    rss_pages: int


def parse_process_stat(data: bytes) -> ProcessStat | None:
    """Read it; None when it is none, such as the empty file of a process that ended meanwhile."""
    # The name stands in parentheses and may hold some itself. What follows never does: the last one is the end.
    begin, end = data.find(b"("), data.rfind(b")")
    fields = data[end + 1 :].split(None, _RSS + 1)
    if not 0 <= begin < end or len(fields) <= _RSS:
        return None
    numbers = fields[_UTIME], fields[_STIME], fields[_THREADS], fields[_STARTED], fields[_RSS]
    if not b"".join(numbers).isdigit() or max(map(len, numbers)) > _MOST_DIGITS:
        return None
    utime, stime, threads, started, rss = map(int, numbers)
    return ProcessStat(data[begin + 1 : end], fields[_STATE], utime + stime, threads, started, rss)
