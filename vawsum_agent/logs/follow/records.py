"""What following needs of the state store: the records of the generations, by source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vawsum_agent.state.log_records import FileRecord, Fingerprint


class RecordStore(Protocol):
    """The part of `vawsum_agent.state.log_files.LogFiles` that the follower writes; offsets are the pipeline's."""

    def of_source(self, source: str) -> list[FileRecord]:
        """Give the records of a source."""
        ...

    def add(
        self,
        *,
        source: str,
        path: str,
        fingerprint: Fingerprint,
        start_offset: int,
        initial_size: int,
        modified_at: float,
    ) -> FileRecord:
        """Begin the record of a generation that was met for the first time."""
        ...

    def update(
        self,
        file_id: int,
        *,
        fingerprint: Fingerprint | None = None,
        modified_at: float | None = None,
        is_finished: bool | None = None,
    ) -> None:
        """Change what is known of a generation."""
        ...

    def remove(self, file_id: int) -> None:
        """Forget a generation of which no file is left."""
        ...
