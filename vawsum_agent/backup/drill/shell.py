"""Runs statements of ours in a scratch server, by the client program of this host."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from vawsum_agent.backup.drill.programs import which

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.backup.drill.programs import Programs

LIMIT_S = 120.0


def run(programs: Programs, option_file: Path, sql: bytes) -> bool:
    """Run what only makes a drill better: a statement that fails does not keep it from the next.

    Args:
        programs: of the server's flavour.
        option_file: reaches it with all rights.
        sql: for the database ``mysql``.

    Returns:
        All of it was done.
    """
    client = which(programs.flavour) or which("mysql")
    if client is None:
        return False
    # Without HOME, where MySQL's client would read .mylogin.cnf, and then go to the server that was backed up.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    command = [client, f"--defaults-file={option_file}", "--batch", "--force", "mysql"]
    try:
        done = subprocess.run(command, input=sql, env=environment, capture_output=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
