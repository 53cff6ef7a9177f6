"""After a start: what the journal says was on its way, made again from the same bytes to be asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.logs.batch.layout import Layout
from vawsum_agent.logs.ship.shipment import Batch, Progress, Shipment

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.logs.batch.compose import Composer
    from vawsum_agent.logs.follow.tail import Tail
    from vawsum_agent.logs.read.source import Source
    from vawsum_agent.logs.ship.shipment import Origin
    from vawsum_agent.state.log_batches import BatchRecord, LogBatches

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a file stands after a start.

    Attributes:
        taken: ranges beyond the checkpoint that are accepted already or in one of ``batches``.
        batches: those that perhaps arrived, composed again, undecided.
    """

    taken: list[tuple[int, int]]
    batches: list[Batch]


def resume(
    tail: Tail,
    origin: Origin,
    source: Source,
    composer: Composer,
    journal: LogBatches,
    count: Callable[[str, int], None],
) -> Resumed:
    """Take up what the journal holds of one file.

    A batch whose text can't be made again as it was (other rules of redaction, another stream, bytes gone) can't be
    asked about: it is forgotten here, read and sent anew, and counted as ambiguous.

    Raises:
        StateError: the journal can't be read.
    """
    taken: list[tuple[int, int]] = []
    batches: list[Batch] = []
    for record in journal.of_file(tail.file_id):
        if record.is_accepted:
            taken.append((record.start, record.end))
            continue
        batch = _recomposed(tail, origin, source, composer, record)
        if batch is None:
            # If we die before this is written, the next start comes to the same end.
            journal.discard(record.batch_id)
            count("log_ambiguous_batches", 1)
            _log.warning("batch_not_recomposed", path=tail.path, start=record.start, end=record.end)
        else:
            taken.append((record.start, record.end))
            batches.append(batch)
    return Resumed(taken, batches)


def _recomposed(tail: Tail, origin: Origin, source: Source, composer: Composer, record: BatchRecord) -> Batch | None:
    if (record.group, record.stream) != (composer.group, composer.stream):
        return None
    block = tail.read_range(record.start, record.end)
    if block is None:
        return None
    try:
        layout = Layout.decode(record.layout)
    except ValueError:
        return None
    if sum(run.length for run in layout.runs) != len(block):
        return None
    composed = composer.compose(block, layout)
    if composed.digest() != record.digest:
        return None
    batch = Batch(
        origin=origin,
        composer=composer,
        start=record.start,
        end=record.end,
        layout=record.layout,
        digest=composed.digest,
        marker=record.marker,
        noticed_at=record.recorded_at,
        dropped_bytes=composed.dropped_bytes,
        tallies=source.tally(block, layout, record.file_id, record.start),
        batch_id=record.batch_id,
    )
    batch.shipments += (
        Shipment(batch, request, Progress.UNDECIDED, attempted_at=record.recorded_at, is_whole=not record.is_divided)
        for request in composed.requests
    )
    return batch
