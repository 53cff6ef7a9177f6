"""From the board to the outbox, across crashes and a store that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.alerts.host import Host
from tests.unit.alerts.looking import status
from vawsum_agent.alerts.pace import BURST
from vawsum_agent.core.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def test_one_message_when_bad_one_when_well(tmp_path: Path) -> None:
    """The whole way: failed, told once; well for a minute, told once; nothing remembered in the end."""
    host = Host(tmp_path)
    host.looks("rrff" + "f" * 40 + "r" * 40)
    assert host.labels() == ["FAILED", "RECOVERED"]
    assert (host.rows.memories(), host.outbox.waiting, host.outbox.sent) == ({}, 0, 2)


def test_a_crash_at_any_look_neither_loses_nor_repeats(tmp_path: Path) -> None:
    """Killed before any look of an incident: the same two messages, once each."""
    states = "rdddddddddrrrrrrrr"
    for crash_at in range(len(states)):
        host = Host(tmp_path / str(crash_at))
        host.looks(states[:crash_at])
        host.begin()
        host.looks(states[crash_at:] + "r")
        assert host.labels() == ["DEGRADED", "RECOVERED"], crash_at


def test_decided_and_not_sent_survives_a_crash(tmp_path: Path) -> None:
    """A message that was decided goes out after the restart, once, though the component is still bad."""
    host = Host(tmp_path)
    host.looks("ff", sends=False)
    host.begin()
    host.looks("fff")
    assert host.labels() == ["FAILED"]


def test_its_own_trouble_is_not_told_by_itself(tmp_path: Path) -> None:
    """That SNS fails shows in status; no message about it waits for SNS to come back."""
    host = Host(tmp_path)
    host.looks("d" * 20 + "f" * 20, name="alerts")
    assert (host.sns.calls, host.outbox.waiting) == (0, 0)


def test_a_post_is_looked_at_once(tmp_path: Path) -> None:
    """The same post seen each second is one look: failed once is not failed twice."""
    host = Host(tmp_path)
    host.looks("rf")
    for _ in range(100):
        host.clock.pass_s(1.0)
        host.watch.look()
    assert host.outbox.waiting == 0


def test_what_is_on_the_board_at_a_start_is_old(tmp_path: Path) -> None:
    """After a reload the last post still tells of the components that went before: it is not looked at again."""
    host = Host(tmp_path)
    host.looks("rf")
    host.begin()
    host.watch.look()
    assert host.outbox.next() is None
    host.looks("f")
    assert host.labels() == ["FAILED"]


def test_a_storm_becomes_a_burst_and_summaries(tmp_path: Path) -> None:
    """Thirty components fail at once: ten messages, the other twenty in one, and each of them named in it."""
    host = Host(tmp_path)
    for state in ("failed",) * 2 + ("degraded",) * 5:
        host.look(*(status(state, "why", name=f"c{number}") for number in range(30)))
    assert host.labels() == ["FAILED"] * BURST + ["20 NOTIFICATIONS"]
    body = host.sns.messages[-1][1]
    assert all(f"[FAILED] c{number} on" in body for number in range(10, 30))


def test_what_is_held_back_survives_a_crash(tmp_path: Path) -> None:
    """Held for the pace and then killed: it is still told."""
    host = Host(tmp_path)
    for _ in range(2):
        host.look(*(status("failed", "why", name=f"c{number}") for number in range(15)))
    host.begin()
    for _ in range(6):
        host.look(*(status("failed", "why", name=f"c{number}") for number in range(15)))
    assert host.labels() == ["FAILED"] * BURST + ["5 NOTIFICATIONS"]


def test_unreadable_memory_is_begun_anew(tmp_path: Path) -> None:
    """A row that is no memory stops nothing; people are told again at worst."""
    host = Host(tmp_path)
    host.rows.record({"logs": b"{", "metrics": b'{"well_s": "x"}', "": b"[]"})
    host.begin()
    host.looks("ff")
    assert host.labels() == ["FAILED"]


def test_people_are_told_although_the_store_fails(tmp_path: Path) -> None:
    """A disk that takes no writes: told from memory, once; written down as soon as it can be."""
    host = Host(tmp_path)
    host.looks("r")
    host.store._connection.execute("PRAGMA query_only = 1")
    host.looks("ffff")
    assert host.labels() == ["FAILED"]
    host.store._connection.execute("PRAGMA query_only = 0")
    host.looks("fff")
    assert host.rows.memories().keys() == {"logs"}
    host.begin()
    host.looks("fff")
    assert host.labels() == ["FAILED"]


def test_sent_and_not_booked_is_not_sent_again(tmp_path: Path) -> None:
    """The store fails just after a message went out: this process does not send it each second."""
    host = Host(tmp_path)
    host.looks("ff", sends=False)
    host.store._connection.execute("PRAGMA query_only = 1")
    host.looks("fff")
    assert (host.labels(), host.outbox.waiting) == (["FAILED"], 0)
    host.store._connection.execute("PRAGMA query_only = 0")
    host.looks("fff")
    assert (host.rows.waiting_count(), host.rows.sent_count()) == (0, 1)


def test_away_for_hours(tmp_path: Path) -> None:
    """SNS away for five hours over two incidents: all four messages come afterwards, in order, with their times."""
    host = Host(tmp_path)
    host.sns.fails_with = lambda _: Unavailable("away")
    host.looks("ff" + "r" * 30 + "ff" + "r" * 30)
    while host.clock.now() < 5 * 3600 + 1_767_225_600.0:
        host.looks("r")
    calls = host.sns.calls
    host.sns.fails_with = lambda _: None
    host.looks("r" * 12)
    assert host.labels() == ["FAILED", "RECOVERED"] * 2
    assert "Written:      2026-01-01T00:00:30.000Z" in host.sns.messages[0][1]
    assert "This is old: it was written at 2026-01-01T00:00:30.000Z" in host.sns.messages[0][1]
    assert 150 <= calls <= 310  # one in a minute or two: nobody hammers a service that is away
