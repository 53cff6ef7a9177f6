"""What a log event looks like when it leaves the process."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog

from vawsum_agent.daemon.log_output import configure

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leave logging as the test found it."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_json_lines() -> None:
    """An event is one JSON line that begins with time, level and name."""
    stream = io.StringIO()
    configure(stream, environ={})
    structlog.get_logger().warning("disk_full", path="/var")
    event = json.loads(stream.getvalue())
    assert list(event) == ["timestamp", "level", "event", "path"]
    assert (event["event"], event["level"], event["path"]) == ("disk_full", "warning", "/var")


def test_exceptions_stay_on_the_line() -> None:
    """A trace is a field of the event, so no line of the log is anything but JSON."""
    stream = io.StringIO()
    configure(stream, environ={})
    try:
        environ_without_it: dict[str, str] = {}
        environ_without_it["x"]
    except KeyError:
        structlog.get_logger().exception("bug_contained", part="logs")
    event = json.loads(stream.getvalue())
    assert "KeyError" in event["exception"]


def test_debug_only_when_asked_for() -> None:
    """Debug events cost nothing unless VAWSUM_AGENT_DEBUG=1."""
    stream = io.StringIO()
    configure(stream, environ={})
    structlog.get_logger().debug("quiet")
    assert stream.getvalue() == ""
    configure(stream, environ={"VAWSUM_AGENT_DEBUG": "1"})
    structlog.get_logger().debug("loud")
    assert "loud" in stream.getvalue()


def test_journal_gets_priorities(tmp_path: Path) -> None:
    """The journal, and nothing else that inherited JOURNAL_STREAM, gets the priority it filters by."""
    with (tmp_path / "log").open("w+") as stream:
        status = os.fstat(stream.fileno())
        configure(stream, environ={"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        structlog.get_logger().error("disk_full")
        configure(stream, environ={"JOURNAL_STREAM": "1:1"})
        structlog.get_logger().error("disk_full")
        stream.flush()
        stream.seek(0)
        first, second = stream.readlines()
    assert first.startswith("<3>{")
    assert second.startswith("{")


def test_libraries_warnings_are_events() -> None:
    """What a library says through logging becomes an event of ours; its chatter does not."""
    stream = io.StringIO()
    configure(stream, environ={})
    logging.getLogger("botocore").info("chatter")
    logging.getLogger("botocore").warning("look %s", "out")
    event = json.loads(stream.getvalue())
    assert (event["event"], event["library"], event["text"]) == ("library_warned", "botocore", "look out")


def test_a_broken_stream_stops_nobody() -> None:
    """With /dev/full for a log the agent goes on: lines are lost, nothing is raised."""
    stream = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115 - closing it raises too
    configure(stream, environ={})
    structlog.get_logger().warning("disk_full")
    with contextlib.suppress(OSError):
        stream.close()
