"""The proof's truth, what stands in the files, is read back whole over every rotation."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from sandbox.host.logs import PHP_ENTRY, LogFile, generations, written_entries

if TYPE_CHECKING:
    from pathlib import Path

TRACE = "[23-Nov-2026 09:00:00 UTC] PHP Fatal error:  Uncaught E: id={} \nStack trace:\n#0 {{main}}\n  thrown\n"


def test_generations_come_oldest_first(tmp_path: Path) -> None:
    """Numbers count backwards in time, by value and not by text; other files are none of ours."""
    for name in ("a.log", "a.log.1", "a.log.2.gz", "a.log.10.gz", "a.log.bak", "ba.log.1"):
        (tmp_path / name).touch()
    found = [file.name for file in generations(tmp_path / "a.log")]
    assert found == ["a.log.10.gz", "a.log.2.gz", "a.log.1", "a.log"]


def test_entries_are_read_over_all_generations(tmp_path: Path) -> None:
    """Compressed or not, in the order of writing; an empty live file adds nothing."""
    (tmp_path / "a.log.2.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    (tmp_path / "a.log.1").write_text("three\n")
    (tmp_path / "a.log").touch()
    assert written_entries(LogFile("apache-access", tmp_path / "a.log")) == ["one", "two", "three"]


def test_stack_trace_is_one_entry(tmp_path: Path) -> None:
    """A PHP entry goes on until the next one begins."""
    (tmp_path / "php.log").write_text(TRACE.format(1) + TRACE.format(2))
    entries = written_entries(LogFile("php-error", tmp_path / "php.log", PHP_ENTRY))
    assert entries == [TRACE.format(1).rstrip("\n"), TRACE.format(2).rstrip("\n")]
