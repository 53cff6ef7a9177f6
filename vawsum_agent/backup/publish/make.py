"""Makes one backup: dump, accounts, manifest, in this order; the manifest is what makes it one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import zstandard

from vawsum_agent.backup.dump.failure import TableChanged
from vawsum_agent.backup.manifest import Manifest, encode
from vawsum_agent.backup.names import DUMP, GRANTS, MANIFEST
from vawsum_agent.backup.publish.attempt import Source as DumpSource
from vawsum_agent.backup.publish.attempt import attempt
from vawsum_agent.backup.publish.band import unusual
from vawsum_agent.backup.publish.gate import doubts
from vawsum_agent.core.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from vawsum_agent.backup.dump.dump import Progress
    from vawsum_agent.backup.manifest import Stored
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.publish.attempt import Attempt, Writer
    from vawsum_agent.backup.server.facts import Server
    from vawsum_agent.backup.server.grants import Grants
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.identity import Identity

_JSON = "application/json"
_ZSTD = "application/zstd"
_USUALLY_SMALLER = 4
"""Compressed than the data is in the server."""


class Source(DumpSource, Protocol):
    """The server that is backed up; see `publish.source`."""

    def identity(self) -> str:
        """Give the words that no other server has, see `restore.target`. Raises AgentError."""
        ...

    def expect_to_see_all(self, server: Server) -> None:
        """Make sure that the account may see all of it. Raises BackupError, AgentError."""
        ...

    def client(self, server: Server) -> str:
        """Name the program that dumps it. Raises AgentError: there is none."""
        ...

    def grants(self, server: Server) -> Grants:
        """Read its users and roles. Raises AgentError."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What one backup is made for.

    Attributes:
        generation: of the lease.
        sizes_before: raw bytes of the backups before it.
        confirm: raises AgentError when the lease is lost.
        on_progress: told the phase, bytes done and bytes in all.
        is_halted: whether to give up.
    """

    name: BackupName
    generation: int
    sizes_before: Sequence[int]
    confirm: Callable[[], None]
    on_progress: Callable[[str, int, int | None], None]
    is_halted: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes backups of one server.

    Attributes:
        writer: of an object: its key, its content type, and how many bytes may be expected.
        identity, agent_version: for the manifest.
    """

    source: Source
    prefix: str
    writer: Callable[[str, str, int], AbstractContextManager[Writer]]
    clock: Clock
    identity: Identity
    agent_version: str

    def make(self, order: Order) -> Manifest:
        """Make one.

        Raises:
            BackupError: the dump is not whole, or somebody said to end. There is no manifest.
            AgentError: the server or S3 failed. There is no manifest, unless S3 did not tell whether it took it.
        """
        server = self.source.look()
        self.source.expect_to_see_all(server)
        client = self.source.client(server)
        started_at = self.clock.now()
        server, made = self._dumped(server, order)
        order.on_progress("accounts", 0, None)
        # After the dump: what an account may, it may on something that is in the dump.
        grants = self.source.grants(server)
        stored_grants = self._stored(order.name.key(self.prefix, GRANTS), grants.sql)
        finished_at = self.clock.now()
        manifest = Manifest(
            backup_id=order.name.backup_id,
            server=order.name.server,
            started_at=rfc3339(started_at),
            finished_at=rfc3339(finished_at),
            duration_s=round(finished_at - started_at, 3),
            host=self.identity.instance_id,
            hostname=self.identity.hostname,
            agent_version=self.agent_version,
            flavour=server.flavour,
            server_version=server.version,
            client=client,
            binlog=made.dumped.binlog,
            generation=order.generation,
            dump=made.stored,
            grants=stored_grants,
            account_count=grants.account_count,
            databases=server.databases,
            frames=made.dumped.frames,
            flags=_flags(made, server, order.sizes_before),
        )
        # Whoever lost the lease, for having stood still, must not publish beside its successor.
        order.confirm()
        # If we die before this line there is no backup, and after it there is one: nothing is in between.
        self._write(order.name.key(self.prefix, MANIFEST), _JSON, encode(manifest))
        return manifest

    def _dumped(self, server: Server, order: Order) -> tuple[Server, Attempt]:
        """Dump, and once more where a table was altered meanwhile (error 1412); with what the server held then."""
        try:
            return server, self._attempt(server, order)
        except TableChanged:
            server = self.source.look()
            return server, self._attempt(server, order)

    def _attempt(self, server: Server, order: Order) -> Attempt:
        estimate = server.data_bytes

        def tell(progress: Progress) -> None:
            order.on_progress("dumping", progress.raw_bytes, max(estimate, progress.raw_bytes) or None)

        # If it is more, parts grow on the way.
        writer = self.writer(order.name.key(self.prefix, DUMP), _ZSTD, estimate // _USUALLY_SMALLER)
        return attempt(self.source, server, writer, tell, order.is_halted)

    def _stored(self, key: str, sql: bytes) -> Stored:
        return self._write(key, _ZSTD, zstandard.ZstdCompressor(level=3, write_checksum=True).compress(sql), len(sql))

    def _write(self, key: str, content_type: str, body: bytes, raw_bytes: int = 0) -> Stored:
        with self.writer(key, content_type, len(body)) as writer:
            writer.write(body)
            return writer.finish(raw_bytes)


def _flags(made: Attempt, server: Server, sizes_before: Sequence[int]) -> list[str]:
    odd = unusual(made.dumped.raw_bytes, sizes_before)
    rows = {(frame.database, frame.name): frame.rows for frame in made.dumped.frames if frame.rows is not None}
    estimates = {name: table.rows for name, table in server.by_name().items()}
    return [*([odd] if odd is not None else []), *doubts(rows, estimates)]
