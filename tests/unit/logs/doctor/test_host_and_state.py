"""The doctor compares limits with needs, and looks at the store without touching it."""

from __future__ import annotations

import os
import resource
import sqlite3
from typing import TYPE_CHECKING

from tests.unit.logs.dead_letters import letter
from tests.unit.logs.doctor.making import a_source, bad, only
from vawsum_agent.config.model import AgentConfig, Config, LogsConfig
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.finding import Severity
from vawsum_agent.logs.deadletter import DeadLetters
from vawsum_agent.logs.doctor.found import LogFile
from vawsum_agent.logs.doctor.host import limits
from vawsum_agent.logs.doctor.state import state
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def config(folder: Path) -> Config:
    """A configuration with its state here."""
    return Config(agent=AgentConfig(state_dir=str(folder)), logs=LogsConfig())


def test_more_files_than_descriptors_are_a_problem() -> None:
    """A daemon that may open fewer files than it follows can't follow them all; one that may open enough is well."""
    (soft, _) = resource.getrlimit(resource.RLIMIT_NOFILE)
    source = a_source("/x/*")
    files = [LogFile(source, f"/x/{number}") for number in range(soft)]
    found = only(limits(files, os.getpid()))
    assert found.severity is Severity.PROBLEM
    assert "LimitNOFILE" in found.remedy
    assert bad(limits(files[:3], os.getpid())) == []


def test_a_first_start_is_well(tmp_path: Path) -> None:
    """Neither store nor dead letters are there before the first start."""
    assert bad(state(config(tmp_path))) == []
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_use_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    """Looking neither creates nor changes a file, while the daemon runs and while it does not."""
    store = Store.open(tmp_path / "state.db", SystemClock())
    assert bad(state(config(tmp_path))) == []
    store.close()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert bad(state(config(tmp_path))) == []
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_store_of_a_newer_agent_is_a_problem(tmp_path: Path) -> None:
    """The daemon would refuse to start on it."""
    Store.open(tmp_path / "state.db", SystemClock()).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    found = only(state(config(tmp_path)))
    assert found.severity is Severity.PROBLEM
    assert "schema 999" in found.what


def test_a_damaged_store_is_a_problem(tmp_path: Path) -> None:
    """Bytes that are no store, and a database that is somebody else's."""
    path = tmp_path / "state.db"
    path.write_bytes(b"no database at all" * 100)
    assert only(state(config(tmp_path))).severity is Severity.PROBLEM
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert "not this agent's" in only(state(config(tmp_path))).what


def test_a_store_that_was_moved_aside_is_remembered(tmp_path: Path) -> None:
    """Damage that the daemon recovered from is worth a look at the disk."""
    (tmp_path / "state.db.damaged-1790000000").touch()
    found = only(state(config(tmp_path)))
    assert found.severity is Severity.WARNING
    assert "state.db.damaged-1790000000" in found.what


def test_dead_letters_are_counted_by_reason(tmp_path: Path) -> None:
    """Refused events wait for logs replay; the doctor says how many and why."""
    letters = DeadLetters(tmp_path / "dead-letter", 1 << 20)
    letters.append([letter(1), letter(2, reason="too_old"), letter(3)])
    found = only(state(config(tmp_path)))
    assert found.severity is Severity.WARNING
    assert found.what.endswith("2 refused, 1 too_old")
    assert "logs replay" in found.remedy
