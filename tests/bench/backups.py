"""What both benchmarks of backups need: the configuration of a host, and its command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.demo.agent import BINARY

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.servers.mariadb import MariaDb

BUCKET = "vawsum-backups"
PREFIX = "mysql/"
SERVER = "bench-db"


def backup_command(state_dir: Path, server: MariaDb, *arguments: str) -> list[str]:
    """Return `vawsum-agent backup …` of a host of its own.

    Args:
        state_dir: of that host; made with its configuration where it is not there.
        server: which is backed up.
        arguments: the rest.
    """
    config = state_dir / "agent.toml"
    if not config.exists():
        state_dir.mkdir(exist_ok=True)
        config.write_text(
            f'[agent]\nrole = "db"\nenvironment = "bench"\ninstance_id = "i-bench"\nregion = "ap-south-1"\n'
            f'state_dir = "{state_dir}"\nruntime_dir = "{state_dir}"\n\n'
            f'[backup]\nbucket = "{BUCKET}"\nprefix = "{PREFIX}"\nserver = "{SERVER}"\n'
            f'defaults_file = "{server.option_file}"\n'
        )
    return [str(BINARY), "backup", *arguments, "--config", str(config)]
