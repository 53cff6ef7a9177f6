"""What is asked for. By itself, so that a command that only asks starts quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.deploy.record import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for.

    Attributes:
        deploy_id: made by whoever asks, so that it can be followed.
        release: empty for a rollback to the last healthy one.
        sha256: what the artifact has to be; empty where nobody said.
        by: who asked, for people.
    """

    deploy_id: str
    app: str
    kind: Kind
    release: str
    sha256: str = ""
    by: str = ""
