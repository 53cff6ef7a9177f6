"""What the daemon's unit hides of an application: it lays an empty, read-only file system over where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def is_hidden(path: Path, process: Path) -> bool:
    """Whether a process can't know what is in a folder: an empty file system lies over where it would be.

    Args:
        path: of the folder; not there, or only as a place for what was opened again.
        process: its folder in procfs.
    """
    try:
        lines = (process / "mountinfo").read_text(errors="replace").splitlines()
    except OSError:
        return False
    above = {str(folder): "" for folder in (path, *path.parents)}
    for line in lines:  # the last one that is mounted on a folder is what is seen there
        fields, _, rest = line.partition(" - ")
        words = fields.split()
        if len(words) > 5 and words[4] in above:  # noqa: PLR2004 - proc(5): root, mount point, options
            above[words[4]] = f"{rest.split(' ', 1)[0]} {words[5]}"
    nearest = next((mounted for mounted in above.values() if mounted), "")
    kind, _, options = nearest.partition(" ")
    return kind == "tmpfs" and "ro" in options.split(",")
