"""What a rotation can cost, directive by directive. Pure.

While the agent runs it holds every log open until it is read to its end, whatever logrotate does to its name. Most of
this is about the time in which it does not run, or is behind because AWS is away.
"""

from __future__ import annotations

import grp
import posixpath
import pwd
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes
from vawsum_agent.logs.follow.names import codec_of, rotation_bases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.core.eyes import Eyes
    from vawsum_agent.logs.doctor.logrotate.parse import Stanza

_PERIOD_DAYS = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 30.0, "yearly": 365.0}
_LEAST_DAYS = 2.0
_LEAST_BYTES = 64 << 20
_SUFFIXES = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_CODECS = {
    "gzip": "gzip", "pigz": "gzip", "zopfli": "gzip",
    "bzip2": "bzip2", "pbzip2": "bzip2", "lbzip2": "bzip2",
    "xz": "xz", "pixz": "xz", "pxz": "xz",
}  # fmt: skip
_DEFAULT_EXTENSIONS = {"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "compress": ".Z", "zstd": ".zst", "lz4": ".lz4"}
_HOLDS_OPEN = frozenset({"apache-access", "apache-error", "php-fpm", "mysql-error", "mysql-slow", "syslog"})
"""Formats whose writers keep the file open until they are told; PHP opens its error log anew for each message."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A followed file of a format, and how it is rotated."""

    path: str
    format: str
    stanza: Stanza


def findings(rotated: Rotated, eyes: Eyes) -> Iterator[Finding]:
    """Judge the rotation of one file."""
    for rule in _RULES:
        yield from rule(rotated)
    yield from _created_unreadable(rotated, eyes)


def _warn(rotated: Rotated, what: str, remedy: str, *directives: str, is_problem: bool = False) -> Finding:
    severity = Severity.PROBLEM if is_problem else Severity.WARNING
    return Finding(severity, what, rotated.stanza.where_of(*directives), remedy)


def _copytruncate(rotated: Rotated) -> Iterator[Finding]:
    if "copytruncate" in rotated.stanza.options:
        yield _warn(
            rotated,
            "copytruncate: what is written between the copy and the truncation is lost, to the copy and to the agent",
            "use create, with a postrotate script that makes the writer reopen its log",
            "copytruncate",
        )


def _kept_count(rotated: Rotated) -> Iterator[Finding]:
    count = _number(rotated.stanza.value("rotate", "0"))
    if count == 0:
        yield _warn(
            rotated,
            "rotate 0: a rotated log is deleted at once; if the agent does not run just then, its unsent rest is lost",
            "set rotate to as many rotations as the longest outage you want to survive",
            "rotate",
            is_problem=True,
        )
        return
    if count < 0 or not rotated.stanza.options.keys().isdisjoint({"size", "maxsize"}):
        return
    days = count * _PERIOD_DAYS[rotated.stanza.value("period", "weekly")]
    if days < _LEAST_DAYS:
        yield _warn(
            rotated,
            f"rotated logs are kept for {days * 24:.0f} hours: the backlog of a longer outage is deleted unsent",
            "raise rotate",
            "rotate",
            "period",
        )


def _kept_bytes(rotated: Rotated) -> Iterator[Finding]:
    count = _number(rotated.stanza.value("rotate", "0"))
    size = _size(rotated.stanza.value("size") or rotated.stanza.value("maxsize"))
    if count > 0 and size is not None and count * size < _LEAST_BYTES:
        yield _warn(
            rotated,
            f"at most {format_bytes(count * size)} are kept: a backlog beyond that is deleted unsent",
            "raise rotate or size",
            "size",
            "maxsize",
        )


def _kept_age(rotated: Rotated) -> Iterator[Finding]:
    days = _number(rotated.stanza.value("maxage", "0"))
    if 0 < days < _LEAST_DAYS:
        yield _warn(
            rotated, f"maxage {days}: the backlog of a longer outage is deleted unsent", "raise maxage", "maxage"
        )


def _compressed_at_once(rotated: Rotated) -> Iterator[Finding]:
    options = rotated.stanza.options
    if "compress" in options and options.keys().isdisjoint({"delaycompress", "copytruncate", "copy"}):
        yield _warn(
            rotated,
            "compress without delaycompress: what a slow writer still writes into the rotated log goes with it, unless "
            "the agent runs and has read it",
            "add delaycompress",
            "compress",
        )


def _unreadable_compression(rotated: Rotated) -> Iterator[Finding]:
    stanza = rotated.stanza
    if "compress" not in stanza.options:
        return
    command = posixpath.basename(stanza.value("compresscmd", "gzip").split(" ")[0])
    extension = stanza.value("compressext") or _DEFAULT_EXTENSIONS.get(command, ".gz")
    codec = _CODECS.get(command)
    if codec is not None and codec_of(f"x{extension}") == codec:
        return
    what = (
        f"{command} to {extension} can't be read: what is rotated and compressed while the agent does not run is lost"
    )
    remedy = "use gzip, bzip2 or xz, each with its own extension"
    yield _warn(rotated, what, remedy, "compresscmd", "compressext", "compress", is_problem=True)


def _shred(rotated: Rotated) -> Iterator[Finding]:
    if "shred" in rotated.stanza.options:
        yield _warn(
            rotated,
            "shred: a log that is still being read is overwritten with random bytes before it is deleted",
            "remove shred; encrypt the disk instead",
            "shred",
            is_problem=True,
        )


def _olddir(rotated: Rotated) -> Iterator[Finding]:
    stanza = rotated.stanza
    if "olddir" not in stanza.options:
        return
    folder = posixpath.dirname(rotated.path)
    olddir = posixpath.normpath(posixpath.join(folder, stanza.value("olddir")))
    if olddir != folder and posixpath.dirname(olddir) != folder:
        yield _warn(
            rotated,
            f"olddir {olddir} is not below {folder}: a log that moves there while the agent does not run is not found",
            f"use a folder directly below {folder}, or none",
            "olddir",
        )


def _unknown_name(rotated: Rotated) -> Iterator[Finding]:
    """The name of a rotated copy must tell which log it was."""
    stanza = rotated.stanza
    base = posixpath.basename(rotated.path)
    extension = stanza.value("extension")
    stem = base.removesuffix(extension) if extension else base
    tag = f".{stanza.value('start', '1')}"
    if "dateext" in stanza.options:
        tag = time.strftime(stanza.value("dateformat", "-%Y%m%d"), time.gmtime(1_795_392_000))
    name = f"{stem}{tag}{extension if stem != base else ''}"
    if base not in rotation_bases(name):
        yield _warn(
            rotated,
            f"a rotated log is named like {name}, which does not tell that it was {base}: after a stop it is not found",
            "use the default dateformat and no extension",
            "dateformat",
            "extension",
        )


def _nobody_told(rotated: Rotated) -> Iterator[Finding]:
    options = rotated.stanza.options
    is_copied = not options.keys().isdisjoint({"copytruncate", "copy"})
    if rotated.format in _HOLDS_OPEN and not is_copied and options.keys().isdisjoint({"postrotate", "lastaction"}):
        yield _warn(
            rotated,
            "nothing tells the writer to reopen its log: it writes on into the rotated one, until that is deleted",
            "add a postrotate script that reloads the writer",
        )


def _created_unreadable(rotated: Rotated, eyes: Eyes) -> Iterator[Finding]:
    words = rotated.stanza.value("create").split()
    if len(words) != len(("mode", "owner", "group")):
        return
    try:
        mode, uid, gid = int(words[0], 8), pwd.getpwnam(words[1]).pw_uid, grp.getgrnam(words[2]).gr_gid
    except (KeyError, ValueError):
        return
    if not eyes.may_read(mode, uid, gid):
        what = f"create {' '.join(words)}: {eyes.name}, as whom the daemon reads, can't read the next log"
        yield _warn(rotated, what, "let its group read it, for example create 0640 root adm", "create", is_problem=True)


_RULES: tuple[Callable[[Rotated], Iterator[Finding]], ...] = (
    _copytruncate,
    _kept_count,
    _kept_bytes,
    _kept_age,
    _compressed_at_once,
    _unreadable_compression,
    _shred,
    _olddir,
    _unknown_name,
    _nobody_told,
)


def _number(text: str) -> int:
    try:
        return int(text.split(maxsplit=1)[0])
    except (ValueError, IndexError):
        return 0


def _size(text: str) -> int | None:
    """Read ``100k``, ``1M``, ``2G`` or bytes."""
    digits = text.rstrip("kMG")
    if not digits.isdigit():
        return None
    return int(digits) * _SUFFIXES.get(text[len(digits) :], 1)
