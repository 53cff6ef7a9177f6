"""What a restored server lacks is named, one sentence each; a whole one is told by silence."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tests.unit.backup.drill.manifests import MANIFEST, varied
from vawsum_agent.backup.drill.differences import Answers, differences
from vawsum_agent.backup.manifest import Database

WHOLE = Answers(
    rows={("shop", "a"): 3, ("shop", "b"): 0},
    databases=[Database(name="shop", views=1, routines=2, triggers=3, events=4)],
    accounts=2,
)


def test_whole() -> None:
    """Nothing differs."""
    assert differences(MANIFEST, WHOLE) == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (replace(WHOLE, rows={("shop", "a"): 2, ("shop", "b"): 0}), "table shop.a has 2 rows, and 3 were dumped"),
        (replace(WHOLE, rows={("shop", "a"): 3}), "table shop.b is missing"),
        (replace(WHOLE, rows={**WHOLE.rows, ("shop", "c"): 0}), "table shop.c is not from this backup"),
        (replace(WHOLE, databases=[]), "database shop is missing"),
        (replace(WHOLE, accounts=1), "1 users and roles are there, and 2 were dumped"),
        (replace(WHOLE, faults=("CHECK TABLE shop.a: Corrupt",)), "CHECK TABLE shop.a: Corrupt"),
        (
            replace(WHOLE, databases=[Database(name="shop", views=1, routines=2, events=4)]),
            "database shop has 0 triggers, and 3 were dumped",
        ),
    ],
)
def test_what_differs(answers: Answers, said: str) -> None:
    """Exactly that, and nothing else."""
    assert differences(MANIFEST, answers) == [said]


def test_rows_that_nobody_counted() -> None:
    """A table whose rows the dump did not tell only has to be there."""
    frames = [msgspec.structs.replace(frame, rows=None) if frame.name == "a" else frame for frame in MANIFEST.frames]
    assert differences(varied(frames=frames), replace(WHOLE, rows={("shop", "a"): 9, ("shop", "b"): 0})) == []


def test_a_table_that_can_not_be_counted() -> None:
    """The server's own words are told, and that it is missing is not."""
    answers = replace(
        WHOLE, rows={("shop", "a"): 3}, uncounted={("shop", "b")}, faults=("table shop.b can't: crashed",)
    )
    assert differences(MANIFEST, answers) == ["table shop.b can't: crashed"]
