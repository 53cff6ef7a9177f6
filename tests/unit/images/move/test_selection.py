"""A folder is gone through from old to young, a bounded part at a time, and every file is met once."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.images.find.test_scan import stat_of
from tests.unit.images.folders import NOW_NS, folder_at
from vawsum_agent.images.find.scan import Scan, scan
from vawsum_agent.images.find.walk import Entry
from vawsum_agent.images.inspect.rules import Rules
from vawsum_agent.images.move.mover import Moved
from vawsum_agent.images.move.selection import Selection

RULES = Rules.of(folder_at(Path("/nowhere")), os.getuid(), 1)


def entries(ages: list[int]) -> list[Entry]:
    """A file for each age, in that order, with paths of different lengths."""
    return [
        Entry(b"%s%d.jpg" % (b"x/" * (age % 3), number), b"%d.jpg" % number, stat_of(age))
        for number, age in enumerate(ages)
    ]


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(1, 9), st.integers(12, 60))
def test_each_file_is_met_once(ages: list[int], most: int, most_path_bytes: int) -> None:
    """Scan after scan, each going on where the last selection ended: all files, each once, the oldest first."""
    selection = Selection()
    met: list[bytes] = []
    while True:
        after = selection.goes_on_after
        found = scan(entries(ages), RULES, NOW_NS, after=after, most=most, most_path_bytes=most_path_bytes)
        assert found.due_count == len(ages) - len(met)
        selection.fill(found)
        met += selection.take(most)
        if not selection.is_used_up:
            break
    assert sorted(met) == sorted(entry.path for entry in entries(ages))
    assert [ages[int(path[:-4].rpartition(b"/")[2])] for path in met] == sorted(ages)


def test_what_failed_comes_last() -> None:
    """The next attempt is another file's: one that always fails holds up no others."""
    selection = Selection()
    selection.fill(Scan(due=[b"a", b"b", b"c", b"d"], due_count=4))
    assert selection.take(3) == [b"a", b"b", b"c"]
    selection.give_back(Moved(failed=[b"a"], left=[b"b", b"c"]))
    assert len(selection) == 4
    assert selection.take(9) == [b"b", b"c", b"d", b"a"]
    assert not selection.is_used_up


def test_what_failed_comes_last_after_the_next_scan_too() -> None:
    """Scans that are more frequent than attempts would begin with the file that always fails, each time."""
    selection = Selection()
    everything = Scan(due=[b"a", b"b", b"c", b"d"], due_count=4)
    selection.fill(everything)
    selection.give_back(Moved(failed=selection.take(2)))
    selection.fill(everything)
    assert selection.take(3) == [b"c", b"d", b"a"]
    selection.give_back(Moved(failed=[b"a"]))
    selection.fill(everything)
    assert selection.take(9) == [b"c", b"d", b"b", b"a"]
    selection.fill(Scan(due=[b"b", b"e"], due_count=2))
    selection.fill(everything)
    assert selection.take(9) == [b"a", b"c", b"d", b"b"]
