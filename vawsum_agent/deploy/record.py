"""What is known of one deploy: the file of the journal, frozen by a test. Nothing in it is secret."""

from __future__ import annotations

import re
from typing import Literal, TypeVar

import msgspec

from vawsum_agent.deploy.machine import End, Note, Phase, Step

Kind = Literal["start", "rollback", "converge"]

ENDED = frozenset({End.DEPLOYED, End.TAKEN_BACK})
"""Ends after which nothing is left to be done."""

WAS_HEALTHY = "was healthy"
"""Under this it is remembered whether what was served before was well."""

PLACE = "place"
"""Under this it is remembered where this host was; see `vawsum_agent.deploy.service.places`."""

RESTORED = "restored"
"""Under this it is remembered how the last return went; see `vawsum_agent.deploy.service.outage`."""

_DEPLOY_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}", re.ASCII)
_T = TypeVar("_T")


def is_deploy_id(text: str) -> bool:
    """Whether a text names a deploy: when it was asked for, and eight random digits."""
    return _DEPLOY_ID.fullmatch(text) is not None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A note with its time, in seconds since the epoch, and what there was to say, such as why it failed."""

    step: Step
    phase: Phase
    at: float
    text: str = ""


class Record(msgspec.Struct, kw_only=True):
    """One deploy on this host.

    Attributes:
        deploy_id: sorts by time.
        kind: what was asked for; a rollback is a deploy of a release that was served before.
        previous: the release that was served before it; empty where none was.
        sha256: what the artifact has to be, where somebody said so; empty otherwise.
        instance_id: where the notes were made. A journal that came with an image tells of another host.
        lines: what was begun, done and failed, the oldest first.
        remembered: what a step has to know later, by name; see `remember`.
        end: None while it runs, or has to be finished.
    """

    version: Literal[1] = 1
    deploy_id: str
    app: str
    kind: Kind
    release: str
    previous: str = ""
    sha256: str = ""
    instance_id: str = ""
    by: str = ""
    began_at: float
    ended_at: float | None = None
    end: End | None = None
    lines: list[Line] = []
    remembered: dict[str, msgspec.Raw] = {}

    @property
    def notes(self) -> list[Note]:
        """The notes as the state machine takes them."""
        return [Note(line.step, line.phase) for line in self.lines]

    def remember(self, name: str, value: object) -> None:
        """Keep what the way back needs; it is durable with the next note."""
        self.remembered[name] = msgspec.Raw(msgspec.json.encode(value))

    def recall(self, name: str, kind: type[_T]) -> _T | None:
        """Give back what was remembered; None where nothing was.

        Raises:
            msgspec.MsgspecError: it is not of that kind.
        """
        raw = self.remembered.get(name)
        return None if raw is None else msgspec.json.decode(raw, type=kind)

    @property
    def failure(self) -> Line | None:
        """The first line that tells of something that failed or was cut off; None while all is well."""
        return next((line for line in self.lines if line.phase in {"failed", "interrupted"}), None)

    @property
    def has_served(self) -> bool:
        """Whether its release came into service and stayed there."""
        return self.end == End.DEPLOYED


def decoded(body: bytes) -> Record:
    """Read a record. Raises msgspec.MsgspecError when it is none of this version."""
    return msgspec.json.decode(body, type=Record)
