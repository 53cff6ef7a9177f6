"""Says who removes a folder's files: this process when it is the owner, else the owner's helper."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from vawsum_agent.images.remove.client import HelperRemover
from vawsum_agent.images.remove.direct import DirectRemover

if TYPE_CHECKING:
    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.remove.removal import Remover


def choose(folder: ImagesFolder) -> Remover:
    """Give the remover of one folder. Nothing is opened or asked before its first use."""
    try:
        owner = pwd.getpwnam(folder.owner).pw_uid
    except KeyError:
        owner = None  # no such user here, so no socket either: its absence is what the first use reports
    return DirectRemover() if owner == os.geteuid() else HelperRemover()
