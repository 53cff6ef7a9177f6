"""Pictures and folders for the tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from vawsum_agent.config.model import ImagesFolder, Seconds

if TYPE_CHECKING:
    from pathlib import Path

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\x01" * 100 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x02" * 100
GIF = b"GIF89a" + b"\x03" * 100
WEBP = b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"\x04" * 100

NOW_NS = 2_000_000_000 * 10**9
"""A time long after any file of a test was touched."""


def folder_at(path: Path, **settings: Any) -> ImagesFolder:  # noqa: ANN401 - the model checks none
    """A folder with the least of a configuration."""
    least: dict[str, Any] = {"name": "app", "path": str(path), "bucket": "vawsum-images", "min_age": Seconds(10.0)}
    return ImagesFolder(**least | settings)


def put(root: Path, path: str | bytes, content: bytes = JPEG) -> bytes:
    """Write a file below ``root``, with its subfolders; returns its relative path."""
    relative = os.fsencode(path)
    whole = os.path.join(os.fsencode(root), relative)  # noqa: PTH118 - bytes
    os.makedirs(os.path.dirname(whole), exist_ok=True)  # noqa: PTH103, PTH120 - bytes
    with open(whole, "wb") as file:  # noqa: PTH123 - bytes
        file.write(content)
    return relative
