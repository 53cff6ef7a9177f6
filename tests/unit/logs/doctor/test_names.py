"""The doctor tells which files end up in one log stream."""

from __future__ import annotations

from tests.unit.logs.doctor.making import IDENTITY, a_source, only
from vawsum_agent.core.finding import Severity
from vawsum_agent.logs.doctor.found import LogFile
from vawsum_agent.logs.doctor.names import names


def test_files_of_their_own_streams_are_well() -> None:
    """With {path} in log_stream no two files share one."""
    source = a_source("/var/log/*.log")
    assert list(names([LogFile(source, "/var/log/a.log"), LogFile(source, "/var/log/b.log")], IDENTITY)) == []


def test_a_shared_stream_is_told() -> None:
    """Files of one source, or of two, whose templates come out the same are named with the stream."""
    one = a_source("/var/log/*.log", log_stream="{instance_id}", log_group="/g")
    two = a_source("/srv/c.log", name="two", log_stream="i-1", log_group="/g")
    files = [LogFile(one, "/var/log/a.log"), LogFile(one, "/var/log/b.log"), LogFile(two, "/srv/c.log")]
    found = only(names(files, IDENTITY))
    assert found.severity is Severity.WARNING
    assert found.where == "/g i-1"
    assert found.what.startswith("3 files share this log stream")


def test_a_file_of_two_sources_is_sent_twice() -> None:
    """Overlapping globs are told once for the file, not as a shared stream."""
    one, two = a_source("/var/log/*.log"), a_source("/var/log/a*", name="two")
    found = only(names([LogFile(one, "/var/log/a.log"), LogFile(two, "/var/log/a.log")], IDENTITY))
    assert "2 sources, test, two" in found.what
