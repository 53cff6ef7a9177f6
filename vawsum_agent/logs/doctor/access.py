"""What the daemon will not get to see: globs that mean nothing, folders and files that it may not read."""

from __future__ import annotations

import errno
import glob
import grp
import os
import pwd
import stat
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.doctor.found import find
from vawsum_agent.logs.follow.names import escape_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import LogsConfig, LogSource
    from vawsum_agent.core.eyes import Eyes

_MOST = 10
"""Findings of one kind a source: the eleventh unreadable file teaches nothing new."""

_NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM})
_READ = 4
_SEARCH = 1


def access(logs: LogsConfig, eyes: Eyes, daemon_pid: int | None) -> Iterator[Finding]:
    """Check every source.

    Args:
        logs: with the sources.
        eyes: as whom the daemon reads. Where this process can't look so, what is closed to it says nothing.
        daemon_pid: of the running daemon, if it runs: its view of the file system may be another than ours.
    """
    if not eyes.can_be_used:
        yield Finding(
            Severity.WARNING,
            f"looked at as {_own_name()}, while the daemon reads as {_described(eyes)}",
            "access to files",
            "run this as root for the daemon's view",
        )
    for source in logs.source:
        with eyes.looking():
            findings = [*islice(_patterns(source, eyes), _MOST), *_files(source, eyes)]
        yield from findings
        if daemon_pid is not None:
            yield from islice(_hidden(source, Path(f"/proc/{daemon_pid}/root")), _MOST)


def _patterns(source: LogSource, eyes: Eyes) -> Iterator[Finding]:
    for pattern in source.paths:
        if find(source, [pattern]):
            continue
        where = f"{source.name}: {escape_path(pattern)}"
        closed = _closed_folder(str(Path(pattern).parent))
        if closed is not None and not eyes.can_be_used:
            continue
        if closed is not None:
            yield _refused(closed, eyes, f"the folder can't be looked into; nothing of {where} is followed")
            continue
        yield Finding(
            Severity.WARNING,
            "no file matches",
            where,
            "correct paths or exclude; a file that comes later is followed as soon as it is there",
        )


def _closed_folder(pattern: str) -> str | None:
    """Find the folder on the way to a glob that may not be listed or passed."""
    folder = Path("/")
    for part in Path(pattern).parts[1:]:
        if glob.has_magic(part):
            break
        if folder.exists() and not os.access(folder, os.X_OK, effective_ids=True):
            return str(folder)
        folder /= part
    is_open = not folder.is_dir() or os.access(folder, os.R_OK | os.X_OK, effective_ids=True)
    return None if is_open else str(folder)


def _files(source: LogSource, eyes: Eyes) -> Iterator[Finding]:
    files = find(source)
    told = set() if eyes.can_be_used else _NOT_ALLOWED
    refused = [(file, code) for file in files if (code := _refusal(file.path)) and code not in told]
    for file, code in refused[:_MOST]:
        if code in _NOT_ALLOWED:
            yield _refused(_culprit(file.path), eyes, f"{file.where} can't be read, of source {source.name}")
        else:
            yield Finding(
                Severity.PROBLEM, f"can't be opened: {os.strerror(code)}", file.where, "look at the file system"
            )
    if len(refused) > _MOST:
        what = f"{len(refused) - _MOST} more files of source {source.name} can't be read"
        yield Finding(Severity.PROBLEM, what, source.name, "as for those above")
    if files and not refused:
        yield Finding(Severity.OK, f"can be read: {len(files)} {'file' if len(files) == 1 else 'files'}", source.name)


def _hidden(source: LogSource, daemons_root: Path) -> Iterator[Finding]:
    """Find files in whose place the running daemon sees nothing, or something else (systemd.exec(5), sandboxing)."""
    if not os.access(daemons_root, os.R_OK | os.X_OK):
        return
    for file in find(source):
        ours, theirs = _identity(Path(file.path)), _identity(daemons_root / file.path.lstrip("/"))
        if ours is not None and ours != theirs and ours == _identity(Path(file.path)):
            folder = Path(file.path).parent
            yield Finding(
                Severity.PROBLEM,
                "is hidden from the running daemon by its systemd unit (ProtectHome, InaccessiblePaths, PrivateTmp, …)",
                file.where,
                f"systemctl edit vawsum-agent, and add: [Service] BindReadOnlyPaths={escape_path(str(folder))}",
            )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _refusal(path: str) -> int:
    """Try to open; gives errno, 0 when it can be read."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return 0 if error.errno in {errno.ENOENT, errno.ENXIO} else error.errno or errno.EIO
    return 0


def _culprit(path: str) -> str:
    """Find what refuses: the first folder on the way that may not be passed, else the file."""
    folders = [*reversed(Path(path).parents)]
    closed = (str(folder) for folder in folders if not os.access(folder, os.X_OK, effective_ids=True))
    return next(closed, path)


def _refused(culprit: str, eyes: Eyes, what: str) -> Finding:
    try:
        status = Path(culprit).stat()
    except OSError:
        return Finding(Severity.PROBLEM, what, escape_path(culprit), f"let {eyes.name} read it")
    owner, group = _user(status.st_uid), _group(status.st_gid)
    where = escape_path(culprit)
    belongs = f"{what}: {where} is {stat.filemode(status.st_mode)} {owner} {group}, the daemon reads as {eyes.name}"
    needed = (_READ | _SEARCH) if stat.S_ISDIR(status.st_mode) else _READ
    if (status.st_mode >> 3) & needed == needed and status.st_gid != 0:
        remedy = f"usermod --append --groups {group} {eyes.name}, then restart the agent"
    else:
        letters = "rx" if stat.S_ISDIR(status.st_mode) else "r"
        remedy = (
            f"start the agent by its systemd unit, whose CAP_DAC_READ_SEARCH reads every log, "
            f"or: setfacl -m u:{eyes.name}:{letters} {where} (and let logrotate create it so)"
        )
    return Finding(Severity.PROBLEM, belongs, where, remedy)


def _described(eyes: Eyes) -> str:
    return f"{eyes.name} with the capability to read all files" if eyes.reads_all else eyes.name


def _own_name() -> str:
    return _user(os.geteuid())


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
