"""The members of a tar archive, one after the other, each plain and unambiguous: the strict part of what tar allows.

Python's `tarfile` reads descriptions of any size into memory, skips what it does not understand and has filters that
trust the disk; here it only decodes a header of 512 bytes. What is known of the next member by other means (pax(1)
records, GNU tar's long names) is read within limits, and said once or not at all.
"""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING, Literal, NamedTuple

from vawsum_agent.deploy.fetch.pax import records
from vawsum_agent.deploy.fetch.refused import Refused, member_refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.deploy.fetch.limits import Limits
    from vawsum_agent.deploy.fetch.stream import Stream

Kind = Literal["file", "folder", "symlink", "hardlink"]

_BLOCK = tarfile.BLOCKSIZE
_ZEROS = bytes(_BLOCK)
_SET_ID = 0o6000
_EXECUTABLE = 0o100
_KINDS: dict[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}
_REFUSED = {
    tarfile.CHRTYPE: "is a device",
    tarfile.BLKTYPE: "is a device",
    tarfile.FIFOTYPE: "is a FIFO",
    tarfile.GNUTYPE_SPARSE: "is a sparse file",
}
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_RECORDS = frozenset({"path", "linkpath", "size"})
"""What counts of a pax header. Owners, times and attributes are not taken over from anybody."""


class Member(NamedTuple):
    """One member.

    Attributes:
        name: as the archive has it; nobody has looked at it yet.
        target: of a link, likewise.
        size_bytes: 0 for all but files.
    """

    name: str
    kind: Kind
    size_bytes: int
    is_executable: bool
    target: str


def members(stream: Stream, limits: Limits) -> Iterator[Member]:
    """Give the members in their order. The content of a file is the caller's to read before the next one.

    Raises:
        Refused: a member is of a kind that no release needs, or the archive makes no sense, or ends too early or late.
    """
    said: dict[str, str] = {}
    count = 0
    while (header := _header(stream)) is not None:
        count += 1
        if count > limits.members:
            raise Refused(f"it has more than {limits.members:,} members")
        if header.type in _LONG or header.type in {tarfile.XHDTYPE, tarfile.XGLTYPE}:
            _describe(header, stream, limits, said)
            continue
        member = _member(header, said, limits)
        said = {}
        yield member
        stream.read(-member.size_bytes % _BLOCK)
    if said:
        raise Refused("its archive ends after the description of a member")
    stream.end()


def _header(stream: Stream) -> tarfile.TarInfo | None:
    position = stream.position
    block = stream.read(_BLOCK)
    if block == _ZEROS:
        if stream.read(_BLOCK) != _ZEROS:
            raise Refused(f"something follows the end of its archive at byte {position:,}")
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError as exc:
        raise Refused(f"its archive has no header at byte {position:,}: {exc}") from exc


def _describe(header: tarfile.TarInfo, stream: Stream, limits: Limits, said: dict[str, str]) -> None:
    """Take what is said of the next member."""
    if not 0 <= header.size <= limits.description_bytes:
        raise member_refused(header.name, f"is a description of {header.size:,} bytes")
    body = stream.read(header.size)
    stream.read(-header.size % _BLOCK)
    if header.type in _LONG:
        found = [(_LONG[header.type], body.rstrip(b"\0").decode("utf-8", "surrogateescape"))]
    else:
        found = [(key, value) for key, value in records(header.name, body) if _counts(key, header)]
    for key, value in found:
        if header.type == tarfile.XGLTYPE:
            raise member_refused(header.name, f"gives all members the same {key}")
        if key in said:
            raise member_refused(said.get("path", header.name), f"has more than one {key}")
        said[key] = value


def _counts(key: str, header: tarfile.TarInfo) -> bool:
    if key.startswith("GNU.sparse."):
        raise member_refused(header.name, "describes a sparse file")
    return key in _RECORDS


def _member(header: tarfile.TarInfo, said: dict[str, str], limits: Limits) -> Member:
    name = said.get("path", header.name)
    kind = _KINDS.get(header.type)
    if kind is None:
        raise member_refused(name, _REFUSED.get(header.type, f"is of the unknown type {header.type!r}"))
    if header.mode & _SET_ID:
        raise member_refused(name, "has a set-user-id or set-group-id bit")
    size_bytes = _size(name, said["size"]) if "size" in said else header.size
    if not 0 <= size_bytes <= limits.file_bytes:
        raise member_refused(name, f"has {size_bytes:,} bytes: too large")
    if size_bytes and kind != "file":
        raise member_refused(name, f"is a {kind} with content")
    if kind != "folder" and name.endswith("/"):
        raise member_refused(name, f"is a {kind} whose name is a folder's")
    target = said.get("linkpath", header.linkname) if kind in {"symlink", "hardlink"} else ""
    return Member(name, kind, size_bytes, bool(header.mode & _EXECUTABLE), target)


def _size(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(1 << 64))):
        raise member_refused(name, "has a size that is no number")
    return int(text)
