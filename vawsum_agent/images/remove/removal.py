"""What is to be removed, what became of it, and what every remover offers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.core.errors import AgentError
from vawsum_agent.images.fingerprint import Fingerprint  # noqa: TC001 - read when a request is decoded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.config.model import ImagesFolder


class RemoverError(AgentError):
    """Nothing can be removed now: no helper, a read-only file system, something strange in the quarantine.

    What was under way is finished, back at its place, or will be put back by the next `Remover.recover`. The same call
    may be made again: what it did remove is `Outcome.GONE` by then.
    """

    retryable = True


class Outcome(StrEnum):
    """What became of one file.

    Attributes:
        REMOVED: it was the file that was uploaded, and is no more.
        GONE: there was no such file.
        CHANGED: it is not what was uploaded, or somebody has it open for writing; it was left, or put back.
        REFUSED: not ours to remove: a hard link, another owner, no regular file, a folder that can't be written.
    """

    REMOVED = "removed"
    GONE = "gone"
    CHANGED = "changed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Removal:
    """One file that may go: where it is below its folder, and which one was uploaded."""

    path: bytes
    fingerprint: Fingerprint


class Remover(Protocol):
    """Removes files as the owner of their folder."""

    def remove(self, folder: ImagesFolder, removals: Sequence[Removal]) -> list[Outcome]:
        """Remove what is still what was uploaded; an outcome for each, in the same order.

        Raises:
            RemoverError: nothing can be removed now.
        """
        ...

    def recover(self, folder: ImagesFolder) -> int:
        """Put back what a crash left in the quarantine, and make the quarantine where it is missing.

        Always safe, since what is put back moves once more. `remove` begins with it by itself; called once at the
        start, it finds room for the quarantine before the disk is out of inodes.

        Returns:
            How many files are at their place again.

        Raises:
            RemoverError: the quarantine can't be used.
        """
        ...

    def close(self) -> None:
        """Give back what is held. Idempotent."""
        ...
