"""A manifest to change for a test."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from vawsum_agent.backup.manifest import Database, Frame, Manifest, Stored
from vawsum_agent.backup.names import BackupName

NAME = BackupName("production-db", "20260131T183000Z")

FRAMES = [
    Frame(kind="head", offset=0, size_bytes=100, raw_bytes=300),
    Frame(kind="database", offset=100, size_bytes=50, raw_bytes=120, database="school"),
    Frame(
        kind="table",
        offset=150,
        size_bytes=850,
        raw_bytes=4000,
        database="school",
        name="pupils",
        rows=3,
        engine="InnoDB",
    ),
]


def manifest(name: BackupName = NAME, **changes: Any) -> Manifest:  # noqa: ANN401 - the fields' own types
    """One of a database with a table."""
    plain = Manifest(
        backup_id=name.backup_id,
        server=name.server,
        started_at="2026-01-31T18:30:00.000Z",
        finished_at="2026-01-31T18:30:05.000Z",
        duration_s=5.0,
        host="i-0abc",
        hostname="db-1",
        agent_version="1",
        flavour="mariadb",
        server_version="10.11.19-MariaDB",
        client="mariadb-dump 10.11.19",
        binlog=None,
        generation=1,
        dump=Stored(name="dump.sql.zst", size_bytes=1000, raw_bytes=4420, sha256="00" * 32, etag='"e"'),
        grants=Stored(name="grants.sql.zst", size_bytes=10, raw_bytes=10, sha256="11" * 32, etag='"g"'),
        account_count=1,
        databases=[Database(name="school")],
        frames=FRAMES,
    )
    return replace(plain, **changes)
