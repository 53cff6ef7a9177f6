"""Where a release lies while it comes: under names that no release has, in folders that are nobody else's to enter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vawsum_agent.deploy.release_id import RELEASE_PATTERN
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

_CLOSED = 0o700
_LEFT = re.compile(rf"\.{RELEASE_PATTERN}\.(?:partial|damaged)", re.ASCII)


def incoming(app: AppFolder) -> Path:
    """Holds artifacts while they are downloaded and unpacked."""
    return app.journal / "incoming"


def partial(app: AppFolder, release: str) -> Path:
    """Where a release is unpacked; beside where it will be, so that it gets there by one rename."""
    return app.releases / f".{release}.partial"


def damaged(app: AppFolder, release: str) -> Path:
    """Where one goes that is no longer what was unpacked, before the whole one takes its name."""
    return app.releases / f".{release}.damaged"


def is_left(name: str) -> bool:
    """Whether a name in the folder of releases is of such a place, where nothing should be while nothing comes."""
    return _LEFT.fullmatch(name) is not None


def prepare_places(app: AppFolder) -> None:
    """Make the folders that a fetch needs. Raises DeployError: others could replace them."""
    own_folder(app.path)
    own_folder(app.releases)
    own_folder(app.journal)
    own_folder(app.seals, mode=_CLOSED)
    own_folder(incoming(app), mode=_CLOSED)
