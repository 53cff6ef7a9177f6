"""An upload folder, and the steps of a removal one by one, so that something can happen in between."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.unit.images.folders import folder_at, put
from vawsum_agent.images.beneath import QUARANTINE, open_root
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.remove.deed import Taken, settle, take
from vawsum_agent.images.remove.quarantine import Quarantine, open_quarantine
from vawsum_agent.images.remove.removal import Outcome, Removal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTENT = b"as it was uploaded"


class Uploads:
    """An upload folder."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.root = root
        self.folder = folder_at(root)
        self.quarantine = root / os.fsdecode(QUARANTINE)

    def add(self, path: str | bytes, content: bytes = CONTENT) -> Removal:
        """Write a file, and say how it would be removed."""
        return self.removal(put(self.root, path, content))

    def removal(self, path: bytes) -> Removal:
        """Say how a file that is there would be removed."""
        return Removal(path, Fingerprint.of(os.lstat(os.path.join(os.fsencode(self.root), path))))  # noqa: PTH118 - bytes

    def files(self) -> dict[str, bytes]:
        """What is at its place, by path."""
        found = (path for path in sorted(self.root.rglob("*")) if path.is_file() and not path.is_symlink())
        return {
            str(path.relative_to(self.root)): path.read_bytes() for path in found if self.quarantine not in path.parents
        }

    def quarantined(self) -> list[str]:
        """The names in the quarantine."""
        return sorted(str(path.relative_to(self.quarantine)) for path in self.quarantine.rglob("*"))

    @contextmanager
    def opened(self, kind: type[Quarantine] | None = None) -> Iterator[Quarantine]:
        """The quarantine, opened as a remover does; of another kind when something is to happen within its steps."""
        root = open_root(str(self.root))
        try:
            with open_quarantine(root, str(self.root), wait_s=5) as quarantine:
                yield quarantine if kind is None else kind(root, quarantine._descriptor, str(self.root))
        finally:
            os.close(root)

    def remove_while(self, removal: Removal, meanwhile: Callable[[], object]) -> Outcome:
        """Remove one file; ``meanwhile`` happens while it is in the quarantine."""
        with self.opened() as quarantine:
            taken = take(quarantine, removal)
            assert isinstance(taken, Taken), taken
            try:
                meanwhile()
                return settle(quarantine, taken)
            finally:
                taken.close()
