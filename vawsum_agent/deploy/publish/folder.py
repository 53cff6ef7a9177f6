"""A folder that somebody names: what git knows of it, and a copy of it for a build to work in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError, UsageError
from vawsum_agent.deploy.publish.child import captured
from vawsum_agent.deploy.publish.git import Git
from vawsum_agent.deploy.publish.repository import is_commit_id
from vawsum_agent.deploy.publish.walk import LEFT_OUT
from vawsum_agent.deploy.publish.work_copy import WorkCopy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vawsum_agent.deploy.publish.fetch import Say


def known(folder: Path, environ: Mapping[str, str], say: Say) -> WorkCopy:
    """Find out which commit a folder holds, if any. Nothing of it is changed, and no command of its own is run.

    Args:
        folder: as it was named.
        environ: of this process.
        say: told what git says of it.

    Raises:
        UsageError: it is no folder.
    """
    try:
        root = folder.resolve(strict=True)
    except OSError as exc:
        raise UsageError(f"--from {folder}: {exc.strerror}") from exc
    if not root.is_dir():
        raise UsageError(f"--from {folder} is no folder")
    if not any((parent / LEFT_OUT).exists() for parent in (root, *root.parents)):
        return WorkCopy(root)
    git = Git(root, environ)
    try:
        # A folder that the commit does not have, such as one that a build fills, is no work tree of it.
        tree = git.ask("rev-parse", "--verify", "--quiet", "HEAD:./")
    except DeployError as error:
        say(f"{error.message}: the release is named by its content")
        return WorkCopy(root)
    if tree.code:
        why = f": {tree.last_words()}" if tree.words else ""
        say(f"{root} is in no commit{why}: the release is named by its content")
        return WorkCopy(root)
    what = f"the commit of {root} can't be told"
    commit, committed_at = git.run("show", "--no-patch", "--format=%H%n%ct", "HEAD", what=what).split()
    if not is_commit_id(commit):
        raise DeployError(what)
    is_modified = bool(git.run("status", "--porcelain", "--untracked-files=normal", "--", ".", what=what))
    say(f"{root} is commit {commit[:12]}" + (", and has changes that are in no commit" if is_modified else ""))
    return WorkCopy(root, commit, int(committed_at), is_modified)


def copied(source: Path, folder: Path, environ: Mapping[str, str]) -> None:
    """Copy a folder, so that what a build does to it is done to nobody's own files.

    Args:
        source: absolute and without links.
        folder: empty.
        environ: of this process.

    Raises:
        DeployError: something in it can't be copied.
    """
    ended = captured(["cp", "-a", "--reflink=auto", "--", f"{source}/.", str(folder)], folder, environ)
    if ended.code:
        message = f"{source} can't be copied for the build: {ended.last_words()}"
        raise DeployError(message, hint="free some space, or name a larger folder with TMPDIR")
