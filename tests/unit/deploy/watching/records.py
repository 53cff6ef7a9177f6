"""Records of deploys as they are found in a journal."""

from __future__ import annotations

import os
from shutil import rmtree
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.config.model.deploy import DeployApp
from vawsum_agent.core.durable import write_durably
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End, Phase, Step
from vawsum_agent.deploy.record import Kind, Line, Record

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""

OLD, NEW = "20260101T000000Z-1111111", "20260202T000000Z-2222222"


def deploy_id(number: int) -> str:
    """The id of a deploy; ids sort by their number."""
    return f"20260101T{number:06d}Z-0011aabb"


def record(
    *notes: tuple[Step, Phase], number: int = 1, end: End | None = None, kind: Kind = "start", took_s: float = 60.0
) -> Record:
    """One that began at `EPOCH` and noted something each second."""
    lines = [
        Line(step=step, phase=phase, at=EPOCH + second, text="boom" if phase == "failed" else "")
        for second, (step, phase) in enumerate(notes, 1)
    ]
    return Record(
        deploy_id=deploy_id(number),
        app="web",
        kind=kind,
        release=NEW,
        previous=OLD,
        by="alice",
        began_at=EPOCH,
        ended_at=None if end is None else EPOCH + took_s,
        end=end,
        lines=lines,
    )


DEPLOYED: tuple[tuple[Step, Phase], ...] = ((Step.FETCH, "done"), (Step.SWITCH, "done"), (Step.RETURN, "done"))
TAKEN_BACK: tuple[tuple[Step, Phase], ...] = (
    (Step.SWITCH, "done"),
    (Step.PROVE, "failed"),
    (Step.SWITCH_BACK, "done"),
)
STUCK: tuple[tuple[Step, Phase], ...] = ((Step.SWITCH, "done"), (Step.PROVE, "failed"), (Step.RELOAD_BACK, "failed"))


def app_at(folder: Path) -> DeployApp:
    """An application's configuration."""
    return DeployApp(name="web", path=str(folder), artifacts="s3://artifacts/web/", health_url="http://127.0.0.1/")


class Host:
    """A journal that root writes."""

    def __init__(self, folder: Path) -> None:
        self.app = app_at(folder)
        self.folder = AppFolder(folder)
        self.journal = self.folder.journal / "deploys"
        self.copies = folder.parent / "copies" / self.app.name

    def write(self, written: Record, *, is_old: bool = False) -> None:
        """Write a record as the journal does; ``is_old``: its folder changed long ago."""
        self.journal.mkdir(parents=True, exist_ok=True)
        write_durably(self.journal / f"{written.deploy_id}.json", msgspec.json.encode(written))
        if is_old:
            os.utime(self.journal, (EPOCH, EPOCH))

    def hide(self) -> None:
        """Let copies be all that shows."""
        self.copies.parent.mkdir()
        self.journal.rename(self.copies)
        rmtree(self.folder.path)
