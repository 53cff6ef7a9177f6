"""A folder of pictures, a bucket in memory, a remover that can be away, and a clock that is told what time it is."""

from __future__ import annotations

import getpass
import os
import time
from typing import TYPE_CHECKING, Any

from tests.unit.images.folders import JPEG, folder_at, put
from tests.unit.images.upload.stores import HOST, MemoryStore
from vawsum_agent.config.model import Seconds
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.images.beneath import open_root
from vawsum_agent.images.inspect.rules import rules_of
from vawsum_agent.images.move.account import Account
from vawsum_agent.images.move.memory import StoredMemory
from vawsum_agent.images.move.mover import Moved, Mover
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.images.remove.removal import Outcome, Removal, RemoverError
from vawsum_agent.images.upload.send import Sender
from vawsum_agent.state.known_files import KnownFiles
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder

OWNER = getpass.getuser()
LIMIT_S = 30.0


class LaterClock(SystemClock):
    """The machine's clocks, of which the wall's is an hour ahead: what was just written is old enough."""

    ahead_s = 3600.0

    def now(self) -> float:
        """See `Clock.now`."""
        return super().now() + self.ahead_s


class Remover:
    """Removes as the owner; can be away, or refuse.

    Attributes:
        is_away: whether nothing can be removed.
        refused: paths that may not be removed, and what is said of them.
        recovered: how often it was asked to recover.
    """

    def __init__(self) -> None:
        self.is_away = False
        self.refused: dict[bytes, Outcome] = {}
        self.recovered = 0
        self._real = DirectRemover()

    def remove(self, folder: ImagesFolder, removals: Sequence[Removal]) -> list[Outcome]:
        """See `Remover.remove`."""
        self._expect_here()
        allowed = [removal for removal in removals if removal.path not in self.refused]
        done = iter(self._real.remove(folder, allowed))
        return [self.refused.get(removal.path) or next(done) for removal in removals]

    def recover(self, folder: ImagesFolder) -> int:
        """See `Remover.recover`."""
        self.recovered += 1
        self._expect_here()
        return self._real.recover(folder)

    def close(self) -> None:
        """See `Remover.close`."""

    def _expect_here(self) -> None:
        if self.is_away:
            message = "no helper removes files"
            raise RemoverError(message, hint="start it")


class Ground:
    """All that moving takes, around one folder."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:  # noqa: ANN401 - the model checks none
        self.root = tmp_path / "uploads"
        self.root.mkdir(exist_ok=True)
        self.folder = folder_at(self.root, owner=OWNER, prefix="uploads/", **({"min_age": Seconds(1.0)} | settings))
        self.bucket = MemoryStore()
        self.sender = Sender(self.bucket, HOST)
        self.remover = Remover()
        self.clock = LaterClock()
        self.store = Store.open(tmp_path / "state.db", self.clock)
        self.memory = StoredMemory(KnownFiles(self.store), self.folder)
        self.account = Account(self.memory.totals())
        self.progress: list[int] = []

    def put(self, *names: str, content: bytes = JPEG) -> list[bytes]:
        """Upload pictures."""
        return [put(self.root, name, content + name.encode()) for name in names]

    def names(self) -> set[str]:
        """What lies in the folder."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*.jpg")}

    def keys(self) -> set[str]:
        """What lies in the bucket, without the prefix."""
        return {key.removeprefix("uploads/") for key in self.bucket.bodies}

    def move(self, paths: list[bytes], jobs: int = 1, is_halted: Callable[[], bool] = lambda: False) -> Moved:
        """Move files once, as a lane does."""
        descriptor = open_root(str(self.root))
        try:
            rules = rules_of(self.folder, descriptor)
            mover = Mover(self.folder, descriptor, rules, self.sender, self.remover, self.clock, self.progress.append)
            return mover.move(paths, jobs, is_halted)
        finally:
            os.close(descriptor)


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for something that another thread does."""
    ends_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(0.005)
