"""What a backup says of itself: written last, once, and never changed. A backup without one does not exist.

Frames are those of zstd: each holds a section of the dump and can be read and decompressed alone. One after the other
they are the whole dump.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from vawsum_agent.core.errors import BackupError

FORMAT = 1

LARGEST_BYTES = 256 << 20
"""No manifest is larger; what is, is none of ours."""

FrameKind = Literal["head", "database", "sequence", "table", "view", "events", "routines", "views", "tail"]
"""``database``: creates it and goes on in it. ``view``: a stand-in; ``views``: what replaces it in the end."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One zstd frame of the dump.

    Attributes:
        database: in which its statements run; empty for what belongs to none.
        name: of the table, sequence or view; empty for others.
        offset: of its first byte in the object.
        size_bytes: compressed.
        raw_bytes: of the SQL.
        rows: of a table, counted in the stream; None for others.
        engine: of a table; empty for others.
        is_in_snapshot: False for a table whose engine knows no transactions: it may differ from the others.
    """

    kind: FrameKind
    offset: int
    size_bytes: int
    raw_bytes: int
    database: str = ""
    name: str = ""
    rows: int | None = None
    engine: str = ""
    is_in_snapshot: bool = True


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An object that S3 holds, proven by its checksums.

    Attributes:
        name: such as ``dump.sql.zst``.
        raw_bytes: before compression.
        sha256: of the object's bytes, hexadecimal.
    """

    name: str
    size_bytes: int
    raw_bytes: int
    sha256: str
    etag: str


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said a database holds when the dump began; tables stand in the frames.

    Attributes:
        lasting_events: of the events those that never end by themselves; None where the agent did not ask yet. Others,
            such as one ``AT`` a moment, are not made anew once that is over.
    """

    name: str
    views: int = 0
    routines: int = 0
    triggers: int = 0
    events: int = 0
    lasting_events: int | None = None


class BinlogPosition(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the server's binary log the snapshot lies, for point-in-time recovery. ``gtid`` may be empty."""

    file: str
    position: int
    gtid: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """See the module.

    Attributes:
        started_at, finished_at: RFC 3339; of the snapshot and of the last byte.
        host, hostname: the instance that wrote it.
        flavour, server_version: of the source, such as ``mariadb``, ``10.11.19-MariaDB``.
        client: the dump program and its version.
        binlog: None where the server writes no binary log.
        generation: of the lease under which it was written; grows with each holder.
        account_count: of users and roles in the grants.
        flags: what people should know of it, such as an unusual size; a sentence each.
    """

    format: int = FORMAT
    backup_id: str
    server: str
    started_at: str
    finished_at: str
    duration_s: float
    host: str
    hostname: str
    agent_version: str
    flavour: Literal["mariadb", "mysql"]
    server_version: str
    client: str
    binlog: BinlogPosition | None
    generation: int
    dump: Stored
    grants: Stored
    account_count: int
    databases: list[Database]
    frames: list[Frame]
    flags: list[str] = []

    def tables(self) -> list[Frame]:
        """The frames that are tables."""
        return [frame for frame in self.frames if frame.kind == "table"]


def encode(manifest: Manifest) -> bytes:
    """Write it as the JSON that lies in the bucket."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(content: bytes, where: str) -> Manifest:
    """Read one, and hold it to its promises: its frames are the whole dump, without gap or overlap.

    Args:
        content: from the bucket: anything.
        where: its address, for messages.

    Raises:
        BackupError: it is no manifest, or one of a later agent.
    """
    try:
        told = msgspec.json.decode(content, type=dict)
        if isinstance(told.get("format"), int) and told["format"] > FORMAT:
            message = f"{where}: written by a later agent (format {told['format']})"
            raise BackupError(message, hint="update this agent")
        manifest = msgspec.convert(told, Manifest)
        for moment in (manifest.started_at, manifest.finished_at):
            datetime.fromisoformat(moment)
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        message = f"{where}: no manifest: {exc}"
        raise BackupError(message, hint="this backup can't be used; take another one") from exc
    offset = 0
    for frame in manifest.frames:
        if frame.offset != offset or frame.size_bytes <= 0:
            break
        offset += frame.size_bytes
    else:
        if offset == manifest.dump.size_bytes:
            return manifest
    message = f"{where}: its frames are not the whole dump (at byte {offset})"
    raise BackupError(message, hint="this backup can't be used; take another one")
