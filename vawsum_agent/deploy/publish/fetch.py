"""A ref of a git repository as a folder: only what one commit holds, without the history where the server allows it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted
from vawsum_agent.deploy.publish.git import Git, failure
from vawsum_agent.deploy.publish.repository import is_commit_id, may_be_commit_id
from vawsum_agent.deploy.publish.work_copy import WorkCopy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vawsum_agent.deploy.publish.repository import Repository

Say = Callable[[str], None]
"""Told what is done, in plain sentences."""

_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
_SUBMODULE_MODE = "160000"
_NOT_FOUND = 1
"""What grep ends with."""

_NET = ("https", "ssh")
_DISK = "file"


def fetched(
    source: Repository, ref: str, folder: Path, environ: Mapping[str, str], say: Say, *, with_submodules: bool = False
) -> WorkCopy:
    """Fetch a ref and check it out.

    Args:
        source: the repository.
        ref: a branch, a tag, or a commit's id, of which seven digits do.
        folder: empty; absolute and without links.
        environ: of this process.
        say: told what is done.
        with_submodules: have these, too, instead of refusing them.

    Raises:
        DeployError: it can't be had.
    """
    # A repository on the net must not make us read what is on this disk, by its submodules.
    protocols = (*_NET, _DISK) if source.protocol == _DISK else _NET
    git = Git(folder, environ, protocols, source.redacted)
    git.run("init", "--quiet", "--template=", what=f"{folder} can't become a repository")
    say(f"fetching {printable(ref)} of {source.shown}")
    commit = _commit(git, source, ref, say)
    what = f"{printable(ref)} of {source.shown} can't be checked out"
    git.run("checkout", "--quiet", "--force", "--detach", commit, what=what)
    _submodules(git, source, folder, say, is_wanted=with_submodules)
    _refuse_pointers(git, source)
    shown = git.run("show", "--no-patch", "--format=%ct%n%s", commit, what=what).splitlines()
    say(f"commit {commit[:12]}: {printable(source.redacted(shown[1] if len(shown) > 1 else ''))[:100]}")
    return WorkCopy(folder, commit, int(shown[0]))


def _commit(git: Git, source: Repository, ref: str, say: Say) -> str:
    """Fetch the commit that is meant; returns its whole id."""
    if is_commit_id(ref):
        ended = git.ask(*_FETCH, "--depth=1", "--", source.url, ref)
        if not ended.code:
            return _resolved(git, source, ref, ref)
        return _among_all(git, source, ref, say)
    name = _named(git, source, ref)
    if name:
        git.run(*_FETCH, "--depth=1", "--", source.url, name, what=f"{ref} of {source.shown} can't be fetched")
        return _resolved(git, source, ref, "FETCH_HEAD")
    if may_be_commit_id(ref):
        return _among_all(git, source, ref, say)
    message = f"{source.shown} has no branch or tag {printable(ref)}"
    raise DeployError(message, hint=f"`git ls-remote {source.shown}` lists what it has")


def _named(git: Git, source: Repository, ref: str) -> str:
    """Find the whole name of a branch or tag; empty where there is none.

    A tag must not pass itself off as the branch of its name, as git would let it.
    """
    wanted = [ref] if ref.startswith("refs/") or ref == "HEAD" else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
    listing = git.run("ls-remote", "--quiet", "--", source.url, *wanted, what=f"{source.shown} can't be read")
    names = {line.partition("\t")[2] for line in listing.splitlines()}
    found = [name for name in wanted if name in names]
    if len(found) > 1:
        message = f"{source.shown} has both a branch and a tag {printable(ref)}"
        raise DeployError(message, hint=f"say which: --ref {found[0]} or --ref {found[1]}")
    return found[0] if found else ""


def _among_all(git: Git, source: Repository, ref: str, say: Say) -> str:
    """Fetch all branches and tags, for servers that give no commit by its id, and for ids that were shortened."""
    say("the commit can't be had by this id alone: fetching the whole history")
    every = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    git.run(*_FETCH, "--", source.url, *every, what=f"{source.shown} can't be fetched")
    return _resolved(git, source, ref, ref)


def _resolved(git: Git, source: Repository, ref: str, name: str) -> str:
    ended = git.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    commit = ended.out.strip()
    if ended.code or not is_commit_id(commit):
        message = f"{source.shown} has no commit {printable(ref)} on its branches and tags"
        raise DeployError(message, hint="push it, or give more of its digits")
    return commit


def _submodules(git: Git, source: Repository, folder: Path, say: Say, *, is_wanted: bool) -> None:
    staged = git.run("ls-files", "--stage", "-z", what=f"{source.shown} can't be looked at").split("\0")
    paths = [line.partition("\t")[2] for line in staged if line.startswith(_SUBMODULE_MODE)]
    if not paths:
        return
    if not is_wanted:
        named = ", ".join(printable(path) for path in paths[:3])
        message = f"{source.shown} has {counted(len(paths), 'submodule')}, which would be missing: {named}"
        raise DeployError(message, hint="fetch them, too, with --recurse-submodules")
    say(f"fetching {counted(len(paths), 'submodule')}")
    # Theirs may be relative to ours. By -c it is written into no file that a build would read.
    update = ("-c", f"remote.origin.url={source.url}", "submodule", "--quiet", "update", "--init", "--recursive")
    ended = git.ask(*update, "--depth=1")
    if ended.code:
        # A server that gives no commit by its id: then all of them, from nothing.
        git.ask("submodule", "--quiet", "deinit", "--force", "--all")
        shutil.rmtree(folder / ".git" / "modules", ignore_errors=True)
        ended = git.ask(*update)
    if ended.code:
        raise failure(f"submodules of {source.shown} can't be fetched", ended)


def _refuse_pointers(git: Git, source: Repository) -> None:
    """Git LFS keeps a pointer in the repository, which would be published in place of the file."""
    where = ("--cached", "--recurse-submodules")
    ended = git.ask("grep", "--quiet", *where, "-e", "filter=lfs", "--", "*.gitattributes")
    if ended.code not in {0, _NOT_FOUND}:
        raise failure(f"{source.shown} can't be searched for files in Git LFS", ended)
    if not ended.code:
        message = f"{source.shown} keeps files in Git LFS, which would be missing"
        raise DeployError(message, hint="clone it with git-lfs, and publish the clone with --from")
