"""The application that is published and deployed: an archive of 10 KB a file.

A third of each file compresses as code does, the rest not at all, as pictures and fonts do not.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PACKED_BYTES = 10_000
"""Of a file, in the archive."""

_A_FOLDER = 50
_CODE_SHARE = 1 / 3
_PACKED_SHARE = 0.2
"""What zstd -3 leaves of the code."""

_SIZE = round(PACKED_BYTES / (1 - _CODE_SHARE + _CODE_SHARE * _PACKED_SHARE))
_CODE_BYTES = round(_SIZE * _CODE_SHARE)

_WORDS = (
    b"public function private static return $this array string null false true foreach throw new Exception namespace "
    b"use App Http Controller Repository Service school student teacher attendance homework notice message fees report"
)


def make_application(folder: Path, files: int) -> None:
    """Make so many files where nothing is yet; the same every time."""
    dice = random.Random(files)
    pool = b" ".join(dice.choices(_WORDS.split(), k=100_000))
    for number in range(files):
        inner = folder / f"src/part{number // _A_FOLDER:03}"
        inner.mkdir(parents=True, exist_ok=True)
        begin = dice.randrange(len(pool) - _CODE_BYTES)
        code = b"<?php // %06d\n%b\n" % (number, pool[begin : begin + _CODE_BYTES])
        (inner / f"file{number:06}.php").write_bytes(code + dice.randbytes(_SIZE - _CODE_BYTES))
