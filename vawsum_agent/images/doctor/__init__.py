"""What will go wrong with the images, found without a running daemon; every finding has a remedy.

places       folders that are missing, reached through a link, hidden from the daemon, not the owner's
view         what of the file system the daemon sees; confinement: what a unit's text keeps from its service
removing     the owner's helper: whether it answers, and may write
contents     what can't move and why, what a crash left in the quarantine
disk         space and inodes
serving      whether Apache sends visitors on; apache: how it is asked
aws          the bucket: there, in this region, versioned, and which calls are allowed
public       whether an object answers at `public_url`

`checks` runs all but `aws.aws`, which needs the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.images.doctor.apache import LocalApache
from vawsum_agent.images.doctor.contents import contents
from vawsum_agent.images.doctor.disk import disks
from vawsum_agent.images.doctor.places import place
from vawsum_agent.images.doctor.removing import removing
from vawsum_agent.images.doctor.serving import serving
from vawsum_agent.images.doctor.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import ImagesConfig
    from vawsum_agent.core.eyes import Eyes
    from vawsum_agent.core.finding import Finding

__all__ = ["access", "checks"]


def checks(images: ImagesConfig, eyes: Eyes, daemon_pid: int | None, status_url: str | None) -> Iterator[Finding]:
    """Check what can be checked on this host: all that ``doctor`` runs.

    Args:
        images: the folders.
        eyes: as whom the daemon reads.
        daemon_pid: of the running daemon, if it runs.
        status_url: of Apache's status page, where one is configured: the address at which it is asked.
    """
    yield from access(images, eyes, daemon_pid)
    for folder in images.folder:
        yield from contents(folder)
    yield from disks(images)
    yield from serving(images.folder, LocalApache(status_url))


def access(images: ImagesConfig, eyes: Eyes, daemon_pid: int | None) -> Iterator[Finding]:
    """Check whether the folders are there and let us in: what ``check-config --online`` runs."""
    view = View(daemon_pid)
    for folder in images.folder:
        yield from place(folder, eyes, view)
        yield from removing(folder, eyes)
