"""The bytes of an archive in their order, counted: an archive bomb ends at its limit, not when the disk is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.units import format_bytes
from vawsum_agent.deploy.fetch.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.deploy.fetch.limits import Limits


class Stream:
    """What comes out of an artifact.

    Args:
        blocks: decompressed, in order.
        packed_bytes: of the artifact.
        limits: of what may come out.
    """

    def __init__(self, blocks: Iterator[bytes], packed_bytes: int, limits: Limits) -> None:
        self._blocks = blocks
        self._block = b""
        self._at = 0
        self._limit = min(limits.unpacked_bytes, max(limits.ratio_from_bytes, limits.ratio * packed_bytes))
        self._pulled = 0

    @property
    def position(self) -> int:
        """How many bytes were given so far."""
        return self._pulled - len(self._block) + self._at

    def read(self, count: int) -> bytes:
        """Give exactly so many bytes. Raises Refused: there are not so many, or too many were given."""
        end = self._at + count
        if end <= len(self._block):
            piece = self._block[self._at : end]
            self._at = end
            return piece
        return b"".join(self.pieces(count))

    def pieces(self, count: int) -> Iterator[bytes]:
        """Give exactly so many bytes, in pieces as they come. Raises Refused, as `read`."""
        while count:
            if self._at == len(self._block) and not self._pull():
                raise Refused(f"its archive is truncated: it ends at byte {self._pulled:,}, in the middle of a member")
            piece = self._block[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def end(self) -> None:
        """See that nothing but padding is left. Raises Refused."""
        while True:
            if self._block[self._at :].strip(b"\0"):
                raise Refused("something follows the end of its archive")
            if not self._pull():
                return

    def _pull(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._block, self._at = block, 0
        self._pulled += len(block)
        if self._pulled > self._limit:
            raise Refused(f"it unpacks to more than {format_bytes(self._limit)}: an archive bomb")
        return True
