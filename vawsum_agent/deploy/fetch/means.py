"""By which means a release is fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.deploy.fetch.limits import LIMITS, Limits
from vawsum_agent.deploy.fetch.patience import Patience
from vawsum_agent.deploy.fetch.room import Free, look

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Means:
    """What a test hands in in its own way.

    Attributes:
        look: measures what a disk has left.
    """

    limits: Limits = LIMITS
    patience: Patience = field(default_factory=Patience)
    look: Callable[[Path], Free] = look
