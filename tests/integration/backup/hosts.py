"""A database host: the command line beside a real server and the sandbox's S3, and what lies in the bucket then."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration.backup.vaults import BUCKET, vault_for
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.names import MANIFEST
from vawsum_agent.backup.publish.catalog import Catalog

if TYPE_CHECKING:
    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

PREFIX = "mysql/"
SERVER = "production-db"
AGENT = Path(sys.executable).with_name("vawsum-agent")
LIMIT_S = 120.0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    error: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        printed: dict[str, Any] = json.loads(self.out)
        return printed


class DatabaseHost:
    """One of them.

    Args:
        directory: its own.
        sandbox: with the bucket.
        option_file: names the server.
        instance_id: who it is.
        more: lines for ``[backup]``.
    """

    def __init__(
        self, directory: Path, sandbox: Sandbox, option_file: Path, instance_id: str = "i-0db1", more: str = ""
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.sandbox = sandbox
        self.option_file = option_file
        self.state_dir = directory / "state"
        self.journal = Journal(self.state_dir)
        self._config = directory / "agent.toml"
        self._directory = directory
        self._instance_id = instance_id
        self.configure(more)

    def configure(self, more: str = "", option_file: Path | None = None, bucket: str = BUCKET) -> None:
        """Write the configuration."""
        self._config.write_text(
            f'[agent]\nrole = "db"\ninstance_id = "{self._instance_id}"\n'
            f'state_dir = "{self.state_dir}"\nruntime_dir = "{self._directory}/run"\n'
            f'[backup]\nbucket = "{bucket}"\ndefaults_file = "{option_file or self.option_file}"\n{more}\n'
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [AGENT, *arguments],
            env=self.sandbox.environment() | {"VAWSUM_AGENT_CONFIG": str(self._config)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end."""
        with self.start(*arguments, **environment) as process:
            out, error = process.communicate(timeout=LIMIT_S)
        return Ended(process.returncode, out, error)

    def backed_up(self, *arguments: str) -> dict[str, Any]:
        """Back up; give what it printed."""
        ended = self.run("backup", "run", "--json", *arguments)
        assert ended.code == 0, ended.error
        return ended.document

    def bucket(self) -> BackupBucket:
        """A client of the bucket."""
        return vault_for(self.sandbox, self._directory)

    def catalog(self) -> Catalog:
        """What exists."""
        return Catalog(self.bucket(), PREFIX)

    def ids(self) -> list[str]:
        """The backups that exist."""
        return [name.backup_id for name in self.catalog().backups(SERVER)]

    def expect_nothing_published(self) -> None:
        """No manifest, and nothing that is still being uploaded."""
        bucket = self.bucket()
        assert [listed.key for listed in bucket.listing(PREFIX) if listed.key.endswith(MANIFEST)] == []
        assert list(bucket.pending(PREFIX)) == []
