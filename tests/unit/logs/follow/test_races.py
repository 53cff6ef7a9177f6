"""What happens between two looks at a folder."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tests.unit.logs.follow.following import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from vawsum_agent.logs.follow.survey import Sighting, Survey


class Interrupted:
    """A survey in the middle of which something happens, once."""

    def __init__(self, survey: Survey, meanwhile: Callable[[], None]) -> None:
        self._survey = survey
        self._meanwhile: Callable[[], None] | None = meanwhile

    def __getattr__(self, name: str) -> object:
        return getattr(self._survey, name)

    def rotations(self, path: str, folders: Iterable[str]) -> list[Sighting]:
        """Give the rotated copies; then it happens."""
        found = self._survey.rotations(path, folders)
        if found and self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None
        return found


def test_truncated_while_its_copy_is_looked_at(tmp_path: Path) -> None:
    """A copytruncate empties the log just after we looked at it and before we compare its copy with it: the copy is$
    still known for what it is, and nothing is read twice.
    """  # noqa: D205 - one sentence
    log, copy = tmp_path / "access.log", tmp_path / "access.log.1"
    old, new = (b"".join(b"%s %05d\n" % (text, n) for n in range(500)) for text in (b"old", b"new"))
    log.write_bytes(old)
    reader = reader_of(log)
    reader.drain()

    def truncate() -> None:
        os.truncate(log, 0)
        with log.open("ab") as file:
            file.write(new)

    ground = reader.follower._ground
    ground.survey = Interrupted(ground.survey, truncate)  # type: ignore[assignment]
    shutil.copyfile(log, copy)
    reader.settle()
    assert log.read_bytes() == new
    assert reader.contents == [old, new]
