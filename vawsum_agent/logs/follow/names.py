"""What the name of a file tells: whether it is compressed, and which live log it may be a rotation of."""

from __future__ import annotations

import os
import re
from functools import lru_cache

COMPRESSED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
"""Suffixes of compressed rotations that can be read, and how."""

_FOREIGN = (".zst", ".lz4", ".Z", ".zip", ".lzma", ".7z")

# logrotate numbers (".1"), dates by dateformat's %Y %m %d %H %M %S %V %s %z ("-20261123", ".2026-11-23_00:00",
# "-1795392000"), and the names people and mysqladmin give a log that was moved away.
_TAG = re.compile(r"\.\d{1,5}|[-._](?=(?:\D*\d){6})\d[-._:+TZ\d]*|[-._](?:old|bak|prev|previous|orig)")
_SEPARATOR = re.compile(r"[-._]")
_EXTENSION = re.compile(r"\.[A-Za-z]\w*")


def codec_of(name: str) -> str | None:
    """Tell how a file of this name is compressed; None when it is not, or in a way that can't be read."""
    return COMPRESSED.get(os.path.splitext(name)[1])


def is_compressed(name: str) -> bool:
    """Whether the name is that of a compressed file, readable or not: never a live log."""
    return name.endswith((*COMPRESSED, *_FOREIGN))


def without_compression(name: str) -> str:
    """Give the name the file had before it was compressed."""
    root, suffix = os.path.splitext(name)
    return root if suffix in COMPRESSED or suffix in _FOREIGN else name


@lru_cache(maxsize=1 << 13)
def rotation_bases(name: str) -> tuple[str, ...]:
    """Name the logs of which a file of this name can be a rotated copy, by logrotate's ways of naming.

    ``access.log.2.gz`` and ``access.log-20261123`` come from ``access.log``; so does, with ``extension .log``,
    ``access.2.log.gz``.
    """
    stem = without_compression(name)
    bases = []
    for separator in _SEPARATOR.finditer(stem, 1):
        at = separator.start()
        base, tag = stem[:at], stem[at:]
        if _TAG.fullmatch(tag):
            bases.append(base)
        root, extension = os.path.splitext(tag)
        if _EXTENSION.fullmatch(extension) and _TAG.fullmatch(root):
            bases.append(base + extension)
    return tuple(bases)


def escape_path(path: str) -> str:
    r"""Write a path as valid text: bytes that are no UTF-8 as ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
