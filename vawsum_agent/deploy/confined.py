"""What the daemon's unit hides of an application, and how the journal of its deploys is opened to it again.

The unit lays an empty, read-only file system over where applications lie. Opened is the folder of the records alone:
the lock beside it could be held by whoever can open it, and secrets are nobody's business.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DROP_IN = "/etc/systemd/system/vawsum-agent.service.d/vawsum-deploys.conf"
_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+", re.ASCII)


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


def opening(paths: Sequence[Path]) -> str:
    """Say how the journals of these applications are opened to the daemon."""
    folders = [f"{path}/.vawsum/deploys" for path in paths]
    if not all(_PLAIN.fullmatch(folder) for folder in folders):
        return f"open {', '.join(folders)} by BindReadOnlyPaths= in {_DROP_IN}, and restart vawsum-agent"
    drop_ins = _DROP_IN.rpartition("/")[0]
    lines = "".join(f"BindReadOnlyPaths=-{folder}\\n" for folder in folders)
    return (
        f"install -d -m 755 {' '.join(folders)} {drop_ins} && printf '[Service]\\n{lines}' > {_DROP_IN}"
        " && systemctl daemon-reload && systemctl restart vawsum-agent"
    )
