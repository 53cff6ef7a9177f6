"""A server that backups are restored into, one after the other, with the library that `backup restore` runs."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import open_directory
from tests.integration.backup.vaults import vault_for
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.backup.restore.run import Means, Request, Restored, restore
from vawsum_agent.backup.server.programs import find_shell
from vawsum_agent.core.clock import SystemClock

if TYPE_CHECKING:
    from types import TracebackType

    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.names import BackupName

COPIER = "copier"
"""As whom the copy is written: no backup has it, so that every account of a backup is restored, root's too."""

_MAKE_COPIER = f"""
CREATE USER {COPIER}@localhost; GRANT ALL ON *.* TO {COPIER}@localhost WITH GRANT OPTION;
GRANT PROXY ON ''@'%' TO {COPIER}@localhost WITH GRANT OPTION;
"""
_DROPS = f"""
SELECT CONCAT('DROP DATABASE `', schema_name, '`;') FROM information_schema.schemata
  WHERE schema_name NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys');
SELECT IF(is_role = 'Y', CONCAT('DROP ROLE `', user, '`;'), CONCAT('DROP USER `', user, '`@`', host, '`;'))
  FROM mysql.user WHERE user NOT IN ('mariadb.sys', 'PUBLIC', '{COPIER}');
"""  # noqa: S608 - our own words
_OPTIONS = ("slow_query_log = OFF", "innodb_flush_log_at_trx_commit = 0", "innodb_log_file_size = 48M")
_PATIENCE_S = 30.0


class Copy:
    """The server, started when the first backup is restored. Use as a context manager.

    Attributes:
        restored: digests of the backups that it gave back as they were, each with the states of sources that were
            compared with it; see `published`.
        figures: backups by what became of them.
    """

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._server: MariaDb | None = None
        self._folder = Path()
        self._bucket: tuple[str, BackupBucket] | None = None
        self.restored: dict[str, set[str]] = {}
        self.figures = {"published": 0, "restored": 0, "the same bytes as one restored": 0, "spoilt and refused": 0}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def folder(self) -> Path:
        """A directory for files, gone in the end."""
        if self._folder == Path():
            self._folder = self._stack.enter_context(open_directory("vawsum-copy-"))
        return self._folder

    @property
    def option_file(self) -> Path:
        """The copier's."""
        return self.folder / "copier.cnf"

    def bucket_of(self, sandbox: Sandbox) -> BackupBucket:
        """A client of the bucket of backups, the same as long as the sandbox is: one takes a while to make."""
        if self._bucket is None or self._bucket[0] != sandbox.endpoint:
            self._bucket = sandbox.endpoint, vault_for(sandbox, self.folder)
        return self._bucket[1]

    def restore(self, bucket: BackupBucket, prefix: str, name: BackupName, manifest: Manifest) -> Restored:
        """Restore a backup into the server, which has nothing but its copier before. Raises AgentError."""
        self._empty()
        with tempfile.TemporaryDirectory(dir=self.folder) as state_dir:
            request = Request(name=name, manifest=manifest, selection=Selection(), option_file=str(self.option_file))
            means = Means(
                bucket=bucket,
                prefix=prefix,
                find_shell=find_shell,
                clock=SystemClock(),
                dice=lambda: 0.5,
                patience_s=_PATIENCE_S,
                server_patience_s=_PATIENCE_S,
            )
            return restore(request, means, Journal(Path(state_dir)))

    def _empty(self) -> None:
        server = self._server
        if server is None:
            server = self._server = self._stack.enter_context(MariaDb(self.folder / "server", options=_OPTIONS))
            server.execute(_MAKE_COPIER)
            self.option_file.touch(mode=0o600)
            self.option_file.write_text(f"[client]\nuser = {COPIER}\nsocket = {server.socket}\n")
        server.execute(server.execute(_DROPS, user=COPIER), user=COPIER)
