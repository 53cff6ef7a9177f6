"""Runs on a booted host as the user that PHP runs as: uploads pictures, as PHP does; says what it uploaded.

``upload.py FOLDER TITLE NUMBER`` prints a JSON object: the SHA-256 of each picture by its path in the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
SIZE_BYTES = 20_000


def main(folder: str, title: str, number: str) -> None:
    """Upload so many pictures, each unlike any other."""
    uploaded = {}
    for turn in range(int(number)):
        name = f"{title}/{turn % 7}/bild {turn} ä.jpg"
        noise = hashlib.shake_128(name.encode()).digest(SIZE_BYTES - len(JPEG_HEAD))
        content = JPEG_HEAD + noise.replace(b"<?", b"..")  # what is in it does not look like code
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".upload-{os.getpid()}")
        temporary.write_bytes(content)
        temporary.rename(file)
        uploaded[name] = hashlib.sha256(content).hexdigest()
    print(json.dumps(uploaded))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
