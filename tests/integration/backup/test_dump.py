"""A real server's dump is cut where its tables are, and holds every row, whatever is in them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.process import open_directory
from tests.integration.backup.dumping import Kept, dumped, started, unpacked
from vawsum_agent.backup.dump.process import DumpProcess
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.quoting import identifier
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.servers.mariadb import MariaDb

EVERYTHING = Path(__file__).with_name("everything.sql")


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """One with a bit of everything in it."""
    with open_directory("vawsum-dump-") as folder, started(folder) as server:
        server.execute(EVERYTHING.read_text())
        yield server


def test_everything(server: MariaDb) -> None:
    """Each frame is one section and decompresses alone; rows are those that the server counts; nothing is lost."""
    writer = Kept()
    result = dumped(server, writer)
    assert (result.exit_code, result.last_words, result.cut_off, result.has_trailer) == (0, "", [], True)
    assert result.is_whole
    assert result.size_bytes == len(writer.content)
    sections = unpacked(bytes(writer.content), result)
    whole = subprocess.run(["zstd", "-dc"], input=writer.content, capture_output=True, check=True).stdout
    assert b"".join(sections) == whole
    assert [len(section) for section in sections] == [frame.raw_bytes for frame in result.frames]
    for frame, section in zip(result.frames, sections, strict=True):
        if frame.kind == "table":
            assert section.startswith(f"--\n-- Table structure for table {identifier(frame.name)}\n--\n".encode())
            assert section.rstrip().endswith((b"UNLOCK TABLES;", b"*/ ;"))
            table = f"{identifier(frame.database)}.{identifier(frame.name)}"
            assert frame.rows == int(server.execute(f"SELECT COUNT(*) FROM {table}"))  # noqa: S608 - quoted
    kinds = [(frame.kind, frame.database) for frame in result.frames if frame.kind not in {"table", "view"}]
    assert kinds == [
        ("head", ""),
        ("database", "-dash"),
        ("sequence", "-dash"),
        ("events", "-dash"),
        ("routines", "-dash"),
        ("database", "other"),
        ("events", "other"),
        ("routines", "other"),
        ("views", "-dash"),
        ("views", "other"),
        ("tail", ""),
    ]
    engines = {frame.name: (frame.engine, frame.is_in_snapshot) for frame in result.frames if frame.kind == "table"}
    assert engines["old"] == ("MyISAM", False)
    assert engines["parents"] == ("InnoDB", True)
    assert engines.keys() == {table.name for table in read_server(str(server.option_file)).tables}


def test_position_is_the_servers(server: MariaDb) -> None:
    """The binlog position and the GTID are those of the moment."""
    file, position = server.execute("SHOW MASTER STATUS").split("\t")[:2]
    result = dumped(server, Kept())
    assert result.binlog is not None
    assert (result.binlog.file, result.binlog.position) == (file, int(position))
    assert result.binlog.gtid == server.execute("SELECT @@gtid_binlog_pos").strip()


def test_facts(server: MariaDb) -> None:
    """The server says what it is, and what its databases hold."""
    found = read_server(str(server.option_file))
    assert found.flavour == "mariadb"
    assert found.is_binlog_on
    assert found.net_write_timeout_s == 60
    dash, other = found.databases
    assert (dash.name, dash.views, dash.routines, dash.triggers, dash.events) == ("-dash", 2, 3, 1, 1)
    assert (other.name, other.views, other.routines, other.triggers, other.events) == ("other", 0, 0, 0, 0)
    assert [table.name for table in found.tables if not table.is_in_snapshot] == ["old"]
    assert found.data_bytes > 0


def test_chosen_databases(server: MariaDb) -> None:
    """Of configured databases only these are dumped; one that is not there is an error with its name."""
    result = dumped(server, Kept(), ["other"])
    assert {frame.database for frame in result.frames} == {"", "other"}
    with pytest.raises(BackupError, match='no database "gone"'):
        read_server(str(server.option_file), ["other", "gone"])


def test_huge_row(server: MariaDb) -> None:
    """A blob of 64 MiB is one row."""
    server.execute("CREATE DATABASE huge; CREATE TABLE huge.t (b LONGBLOB)")
    try:
        server.execute("INSERT INTO huge.t VALUES (REPEAT(RANDOM_BYTES(1024), 65536)), ('')")
        result = dumped(server, Kept(), ["huge"])
        assert result.is_whole
        assert [frame.rows for frame in result.frames if frame.kind == "table"] == [2]
        assert result.raw_bytes > 128 << 20
    finally:
        server.execute("DROP DATABASE huge")


def test_settings_of_others_change_nothing(server: MariaDb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the user's own option file, such as to leave triggers out, is not read."""
    (tmp_path / ".my.cnf").write_text("[mysqldump]\nskip-triggers\nskip-comments\nno-data\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with DumpProcess(["/usr/bin/env"]) as process:
        process.wait(10.0)
        assert b"HOME=" not in (process.read(1 << 16, 0.0) or b"HOME=")  # MySQL's would find .mylogin.cnf
    writer = Kept()
    result = dumped(server, writer, ["-dash"])
    assert result.is_whole
    assert any(b"TRIGGER on_parents" in section for section in unpacked(bytes(writer.content), result))
