"""Folders as applications have them."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from vawsum_agent.deploy.publish.archive import Packed, pack
from vawsum_agent.deploy.publish.survey import survey

if TYPE_CHECKING:
    from pathlib import Path

MTIME = 1_764_411_300


def an_application(folder: Path) -> Path:
    """Make one: files, an executable, an empty folder, links, names that tar has no room for."""
    files = {
        "index.php": b"<?php echo 1;\n",
        "bin/console": b"#!/usr/bin/env php\n",
        "vendor/autoload.php": b"<?php\n",
        "public/ä ö.css": b"body {}\n",
        f"{'deep/' * 30}{'long' * 40}.txt": b"x" * 5000,
        "empty": b"",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "bin/console").chmod(0o775)
    (folder / "var/cache").mkdir(parents=True)
    (folder / "public/index.php").symlink_to("../index.php")
    (folder / "public/storage").symlink_to("../storage/app/public")
    for name in (".git", "vendor/lib/.git"):
        (folder / name).mkdir(parents=True)
        (folder / name / "HEAD").write_text("ref: refs/heads/master\n")
    return folder


def packed(folder: Path, mtime: int = MTIME) -> tuple[bytes, Packed]:
    """Pack a folder in memory."""
    out = io.BytesIO()
    told = pack(folder, out, mtime, survey(folder).tar_bytes, lambda _: None)
    body = out.getvalue()
    assert (told.size_bytes, told.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    return body, told
