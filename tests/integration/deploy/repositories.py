"""Real git repositories, and real ways to them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WHEN = "2026-11-29T10:15:00+0000"
COMMITTED_AT = 1_795_947_300

SSH = """#!/bin/sh
# What git calls in place of ssh: notes how, and runs on this host what was meant for the other one.
echo "$@" >> "$0.log"
for command; do :; done
exec sh -c "$command"
"""


def environ() -> dict[str, str]:
    """The environment of somebody whose git has no settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "VAWSUM_", "AWS_"))}
    return kept | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    who = {"NAME": "A", "EMAIL": "a@example.com", "DATE": WHEN}
    told = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    ended = subprocess.run(command, cwd=folder, env=environ() | told, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


def a_repository(folder: Path, files: dict[str, str]) -> Path:
    """Make one with a first commit on ``master``."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=master")
    commit(folder, files)
    return folder


def commit(folder: Path, files: dict[str, str], subject: str = "Change it") -> str:
    """Commit files; returns the commit's id."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", subject)
    return git(folder, "rev-parse", "HEAD")


def ssh_stub(folder: Path) -> Path:
    """Make a program that git calls in place of ssh; what it was called with is in ``{it}.log``."""
    program = folder / "ssh-stub"
    program.write_text(SSH)
    program.chmod(0o755)
    return program
