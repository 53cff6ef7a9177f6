"""What the admin API sends line by line: everything stored, whatever the services would show yet."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.aws.connection import Connection
    from sandbox.aws.log_store import LogStream
    from sandbox.aws.metric_store import MetricStore

LINES_A_CHUNK = 500


def send_lines(connection: Connection, lines: Iterable[bytes]) -> None:
    """Answer with NDJSON in chunks."""
    connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
    left = iter(lines)
    while part := b"".join(islice(left, LINES_A_CHUNK)):
        connection.write(b"%x\r\n%s\r\n" % (len(part), part))
    connection.write(b"0\r\n\r\n")


def event_lines(stream: LogStream) -> Iterator[bytes]:
    """Yield all accepted events of a stream."""
    for event in stream.events():
        row = {
            "timestamp": event.place.timestamp,
            "message": event.message.decode(),
            "ingestionTime": event.ingestion_ms,
            "requestId": event.request_id,
        }
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def datum_lines(store: MetricStore, name: str) -> Iterator[bytes]:
    """Yield all accepted data, metric by metric, or those of metrics of one name."""
    for key in store.metrics():
        if name not in {"", key.name}:
            continue
        for datum, request_id in store.data(key):
            row = {
                "namespace": key.namespace,
                "name": key.name,
                "dimensions": dict(key.dimensions),
                "unit": datum.unit,
                "timestamp_ms": datum.timestamp_ms,
                "values": datum.values,
                "counts": datum.counts,
                "statistics": datum.statistics._asdict() if datum.statistics else None,
                "resolution_s": datum.resolution_s,
                "request_id": request_id,
            }
            yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
