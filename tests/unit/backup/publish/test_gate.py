"""A dump becomes a backup only when every witness says that it is whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vawsum_agent.backup.publish.gate import Evidence, doubts, refusals

TABLES = [("school", "pupils"), ("school", "marks")]
WHOLE = Evidence(exit_code=0, has_trailer=True, rows=dict.fromkeys(TABLES, 3))


def test_whole() -> None:
    """Nothing speaks against it; a table that came meanwhile is welcome."""
    assert refusals(WHOLE, TABLES) == []
    assert refusals(WHOLE, TABLES[:1]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exit_code": 2}, "exit code 2"),
        ({"exit_code": -9}, "signal 9"),
        ({"has_trailer": False}, "no end"),
        ({"is_head_whole": False}, "no dump"),
        ({"unfinished": [TABLES[0]]}, "school.pupils"),
        ({"dataless": [TABLES[1]]}, "school.marks"),
        ({"rows": {TABLES[0]: 3}}, "1 table not in the dump: school.marks"),
    ],
)
def test_each_witness_is_enough(change: dict[str, Any], words: str) -> None:
    """Each alone refuses it, whatever the others say."""
    (refusal,) = refusals(replace(WHOLE, **change), TABLES)
    assert words in refusal


def test_all_that_is_wrong_is_said() -> None:
    """The program's own failure first; of many tables a few are named."""
    many = [("school", f"t{number}") for number in range(9)]
    said = refusals(Evidence(exit_code=3, has_trailer=False, rows={}), many)
    assert len(said) == 3
    assert "exit code 3" in said[0]
    assert said[2] == "9 tables not in the dump: school.t0, school.t1, school.t2, …"


def test_doubts() -> None:
    """An estimate errs, but not from none to many."""
    assert doubts({TABLES[0]: 0}, {TABLES[0]: 500}) == []
    assert doubts({TABLES[0]: 10_000}, {TABLES[0]: 50_000}) == []
    assert "school.pupils" in doubts({TABLES[0]: 0}, {TABLES[0]: 50_000})[0]
