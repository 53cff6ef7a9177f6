"""One configured source, ready to be read: its follower, its format, and where its files go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.config.placeholders import expand
from vawsum_agent.logs.batch.compose import Composer
from vawsum_agent.logs.redact import Redactor

if TYPE_CHECKING:
    from vawsum_agent.config.model import LogSource
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.logs.batch.layout import Layout
    from vawsum_agent.logs.follow.follower import Follower
    from vawsum_agent.logs.formats.format import Format

_LONGEST_STREAM = 512
_NOT_IN_STREAM = str.maketrans({":": "_", "*": "_"})


class RequestCounter(Protocol):
    """Counts requests; one for all sources."""

    def count(self, source: str, block: bytes, layout: Layout, file_id: int, start: int) -> list[tuple[int, bytes]]:
        """Make tallies, as (minute, body), of a block of a file, named as its source."""
        ...

    @property
    def counts_ahead(self) -> bool:
        """Whether anybody wants to know of requests before they are shipped."""
        ...

    def count_ahead(self, block: bytes, layout: Layout, file_id: int, start: int) -> None:
        """Count the requests in a block that is in no batch yet."""
        ...

    def progress(self, counted_until: float) -> None:
        """Note that what was logged before a moment is counted."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A source.

    Attributes:
        flush_interval_s: how long what is there may wait for more.
        settle_s: how long a file must be quiet for its last entry of many lines to count as whole.
        request_counter: of an access log; None where nothing is counted.
    """

    config: LogSource
    identity: Identity
    follower: Follower
    log_format: Format
    flush_interval_s: float
    settle_s: float
    request_counter: RequestCounter | None = None

    def composer(self, path: str) -> Composer:
        """Name group and stream of a file, and how its entries are redacted."""
        group, stream = destination(self.config, self.identity, path)
        return Composer(group, stream, Redactor(self.config.redact))

    def tally(self, block: bytes, layout: Layout, file_id: int, start: int) -> list[tuple[int, bytes]]:
        """Count the requests in what a batch is made of, as (minute, body)."""
        counter = self.request_counter
        return [] if counter is None else counter.count(self.config.name, block, layout, file_id, start)


def destination(source: LogSource, identity: Identity, path: str) -> tuple[str, str]:
    """Name the log group and the log stream of a file."""
    values = {**identity.placeholders(), "source": source.name, "path": path, "basename": PurePosixPath(path).name}
    return expand(source.log_group, values), stream_name(expand(source.log_stream, values))


def stream_name(text: str) -> str:
    """Make a name that CreateLogStream takes: no ``:`` or ``*``, at most 512 characters, of which the end is kept."""
    return text.translate(_NOT_IN_STREAM)[-_LONGEST_STREAM:]
