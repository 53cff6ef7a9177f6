"""How full the disks of the folders are, and whether a name is left for what has to be created."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.move.pressure import Usage, usage_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import ImagesConfig

_FULL = 100


def disks(images: ImagesConfig) -> Iterator[Finding]:
    """Look at each disk once. A folder that can't be opened is told of by `places`."""
    seen: set[int] = set()
    for folder in images.folder:
        try:
            root = open_root(folder.path)
        except FolderError:
            continue
        try:
            device, usage = os.fstat(root).st_dev, usage_of(root)
        except OSError:
            continue
        finally:
            os.close(root)
        if device not in seen:
            seen.add(device)
            yield of_usage(usage, images, f"disk of {folder.path}")


def of_usage(usage: Usage, images: ImagesConfig, where: str) -> Finding:
    """Judge one disk."""
    what = f"{usage.space_percent} % of its space and {usage.inodes_percent} % of its inodes are in use"
    if usage.inodes_percent >= _FULL:
        what = f"{what}: nothing can be uploaded, and the quarantine can't be made"
        return Finding(Severity.PROBLEM, what, where, "delete any one file on it; then: vawsum-agent images move")
    if usage.percent >= images.disk_watermark:
        what = f"{what}: above disk_watermark = {images.disk_watermark}, {images.pressure_jobs} uploads run at once"
        return Finding(Severity.WARNING, what, where, "vawsum-agent images plan tells whether moving will make room")
    return Finding(Severity.OK, what, where)
