"""What is asked of the place where releases are published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Stored:
    """An object. ``name`` is what follows the folder's address."""

    name: str
    size_bytes: int


class Artifacts(Protocol):
    """The published releases of one application.

    Every method raises AwsError; where it is retryable, trying again may help.
    """

    @property
    def where(self) -> str:
        """The address of the folder, with its slash, as in ``s3://vawsum-artifacts/vawsum-web/``."""
        ...

    def names(self, release: str) -> Sequence[Stored]:
        """Give the objects whose name begins with ``{release}.``; none where there are none."""
        ...

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """Give a small object; None where there is none. Raises Rejected: it is larger than that."""
        ...

    def stream(self, name: str, offset: int) -> Iterator[bytes]:
        """Give an object from an offset to its end, in blocks; raises also midway, after what came as it is."""
        ...
