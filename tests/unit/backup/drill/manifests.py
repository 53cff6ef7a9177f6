"""A manifest of two tables and a view, to be varied by tests."""

from __future__ import annotations

from typing import Any

import msgspec

from vawsum_agent.backup.manifest import Database, Frame, Manifest, Stored

MANIFEST = Manifest(
    backup_id="20260131T000000Z",
    server="production-db",
    started_at="2026-01-31T00:00:00.000Z",
    finished_at="2026-01-31T00:00:10.000Z",
    duration_s=10.0,
    host="i-0abc",
    hostname="db1",
    agent_version="0",
    flavour="mariadb",
    server_version="10.11.6-MariaDB",
    client="mariadb-dump 10.19",
    binlog=None,
    generation=1,
    dump=Stored(name="dump.sql.zst", size_bytes=40, raw_bytes=400, sha256="00", etag='"e"'),
    grants=Stored(name="grants.sql.zst", size_bytes=10, raw_bytes=100, sha256="00", etag='"e"'),
    account_count=2,
    databases=[Database(name="shop", views=1, routines=2, triggers=3, events=4)],
    frames=[
        Frame(kind="head", offset=0, size_bytes=10, raw_bytes=100),
        Frame(kind="table", offset=10, size_bytes=10, raw_bytes=100, database="shop", name="a", rows=3),
        Frame(kind="table", offset=20, size_bytes=10, raw_bytes=100, database="shop", name="b", rows=0),
        Frame(kind="tail", offset=30, size_bytes=10, raw_bytes=100),
    ],
)


def varied(**changes: Any) -> Manifest:  # noqa: ANN401 - of any field
    """The same with some fields changed."""
    return msgspec.structs.replace(MANIFEST, **changes)
