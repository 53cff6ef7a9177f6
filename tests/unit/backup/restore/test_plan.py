"""Which frames are restored, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backup.manifests import manifest
from vawsum_agent.backup.manifest import Database, Frame, FrameKind, Manifest
from vawsum_agent.backup.restore.plan import Selection, databases_of, frames_in_order, make_plan, selected
from vawsum_agent.core.errors import UsageError


def _frames(*rows: tuple[FrameKind, str, str, int]) -> list[Frame]:
    frames, offset = [], 0
    for kind, database, name, raw_bytes in rows:
        frames.append(Frame(kind=kind, offset=offset, size_bytes=10, raw_bytes=raw_bytes, database=database, name=name))
        offset += 10
    return frames


def _manifest(**changes: Any) -> Manifest:  # noqa: ANN401 - the fields' own types
    frames = _frames(
        ("head", "", "", 5),
        ("database", "a", "", 5),
        ("sequence", "a", "s", 5),
        ("table", "a", "small", 10),
        ("table", "a", "large", 100),
        ("view", "a", "v", 5),
        ("events", "a", "", 5),
        ("routines", "a", "", 5),
        ("database", "b", "", 5),
        ("table", "b", "middle", 50),
        ("events", "b", "", 5),
        ("views", "a", "", 5),
        ("views", "b", "", 5),
        ("tail", "", "", 5),
    )
    return manifest(frames=frames, databases=[Database(name="a", views=1), Database(name="b")], **changes)


def _told(frames: tuple[Frame, ...]) -> list[str]:
    return [f"{frame.kind} {frame.database}.{frame.name}".rstrip(".") for frame in frames]


def test_everything_in_phases() -> None:
    """Databases and sequences, then the largest tables first, then stand-ins, then what refers to all of these."""
    plan = make_plan(_manifest(), Selection())
    assert plan.head.kind == "head"
    assert _told(plan.before) == ["database a", "sequence a.s", "database b"]
    assert _told(plan.tables) == ["table a.large", "table b.middle", "table a.small"]
    assert _told(plan.after) == ["view a.v", "events a", "routines a", "events b", "views a", "views b"]
    assert plan.databases == ("a", "b")
    assert plan.names == {("a", "s"), ("a", "small"), ("a", "large"), ("a", "v"), ("b", "middle")}


def test_a_database() -> None:
    """Only what is in it, and nothing of another one."""
    plan = make_plan(_manifest(), Selection("b"))
    assert _told((*plan.before, *plan.tables, *plan.after)) == ["database b", "table b.middle", "events b", "views b"]


def test_a_table() -> None:
    """Its database, made where it is missing, and the table; no view, no event."""
    plan = make_plan(_manifest(), Selection("a", "small"))
    assert _told((*plan.before, *plan.tables, *plan.after)) == ["database a", "table a.small"]
    assert databases_of(_manifest(), plan.selection) == []


def test_sizes_are_of_what_is_fetched() -> None:
    """A table alone counts as little as it is."""
    plan = make_plan(_manifest(), Selection("a", "small"))
    assert (plan.size_bytes, plan.raw_bytes) == (20, 15)


def test_text_keeps_the_order_of_the_dump() -> None:
    """As SQL it stands as it stood, between head and tail."""
    whole = frames_in_order(_manifest(), Selection())
    assert whole == _manifest().frames
    part = frames_in_order(_manifest(), Selection("a", "small"))
    assert [frame.kind for frame in part] == ["head", "database", "table", "tail"]


def test_names_may_hold_dots() -> None:
    """What is written is compared as a whole: `a.b` of database `x.y` is found."""
    found = _manifest()
    frames = [*found.frames, *_frames(("table", "x.y", "a.b", 5))]
    assert selected(manifest(frames=frames), "", "x.y.a.b") == Selection("x.y", "a.b")


@pytest.mark.parametrize(
    ("database", "table", "hint"),
    [
        ("aa", "", "a"),
        ("", "a.smal", "is it a.small"),
        ("", "small", "a.small"),
        ("", "a.v", "--database a"),
        ("b", "a.small", "leave --database out"),
    ],
)
def test_what_is_not_there(database: str, table: str, hint: str) -> None:
    """The hint names what may have been meant."""
    with pytest.raises(UsageError) as told:
        selected(_manifest(), database, table)
    assert hint in told.value.hint


def test_whole_databases_are_compared() -> None:
    """What a manifest counts of a database holds for those that are restored whole."""
    assert [row.name for row in databases_of(_manifest(), Selection())] == ["a", "b"]
    assert [row.name for row in databases_of(_manifest(), Selection("a"))] == ["a"]
