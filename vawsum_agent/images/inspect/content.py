"""What a file is by its first bytes, and whether PHP code hides in it. Pure.

Our own few lines instead of a library that knows hundreds of types: each more type that is told from a few bytes is one
more thing that an upload may pretend to be.
"""

from __future__ import annotations

import re

HEAD_BYTES = 32
"""As much of the beginning as `content_type` looks at."""

EXTENSIONS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/avif": (".avif",),
    "image/heic": (".heic", ".heif"),
    "image/bmp": (".bmp",),
    "image/tiff": (".tif", ".tiff"),
}
"""The extensions that a type may bear, in lower case."""

_SIGNATURES = (
    ("image/jpeg", re.compile(rb"\xff\xd8\xff[\xc0-\xfe]", re.DOTALL)),
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", re.DOTALL)),
    ("image/gif", re.compile(rb"GIF8[79]a", re.DOTALL)),
    ("image/webp", re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL)),
    ("image/avif", re.compile(rb"\x00\x00..ftypavi[fs]", re.DOTALL)),
    ("image/heic", re.compile(rb"\x00\x00..ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)", re.DOTALL)),
    ("image/bmp", re.compile(rb"BM........[\x1a-\xff]\x00..[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", re.DOTALL)),
    ("image/tiff", re.compile(rb"II\*\x00|MM\x00\*", re.DOTALL)),
)
_CODE = re.compile(rb"<\?(?i:php)(?=[\s/#]|\Z)")
_LONGEST_CODE_BYTES = 6


def content_type(head: bytes) -> str:
    """Name the type of an image by its first `HEAD_BYTES` bytes; empty when it is none we know."""
    for name, signature in _SIGNATURES:
        if signature.match(head):
            return name
    return ""


def extension_of(name: bytes) -> str:
    """Give the last extension in lower case, with its dot; empty for none, also where the name begins with it."""
    stem, dot, extension = name.rpartition(b".")
    return "." + extension.decode("ascii", "replace").lower() if dot and stem else ""


class CodeSearch:
    """Looks for PHP's opening tag in a file that passes by in blocks. A tag may lie across two of them."""

    def __init__(self) -> None:
        self.has_found = False
        self._end = b""

    def look(self, block: bytes) -> None:
        """Take the next block; `has_found` tells."""
        if self._end:
            seam = self._end + block[:_LONGEST_CODE_BYTES]
            self.has_found = self.has_found or _CODE.search(seam) is not None
        self.has_found = self.has_found or _CODE.search(block) is not None
        self._end = (self._end + block[-_LONGEST_CODE_BYTES:])[-_LONGEST_CODE_BYTES:]
