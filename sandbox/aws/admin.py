"""The admin API under `/_sandbox/`: faults, settings, and the truth that proofs are made from. JSON in and out."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from sandbox.aws.answers import Answer, ServiceError, json_answer
from sandbox.aws.faults import read_fault
from sandbox.aws.policy import read_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.aws.books import Books
    from sandbox.aws.connection import Connection
    from sandbox.aws.faults import FaultPlan
    from sandbox.aws.listener import Listener
    from sandbox.aws.log_store import LogGroup, LogStore, LogStream
    from sandbox.aws.metadata import Metadata
    from sandbox.aws.policy import Gatekeeper
    from sandbox.aws.settings import Settings
    from sandbox.aws.wire import Head

LINES_A_CHUNK = 500
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the admin API turns and reads."""

    settings: Settings
    books: Books
    plan: FaultPlan
    gatekeeper: Gatekeeper
    store: LogStore
    metadata: Metadata


class Admin:
    """Answers requests under `/_sandbox/`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._doors: list[Listener] = []
        self._reopening: threading.Timer | None = None
        self._routes: dict[str, Callable[[Document], object]] = {
            "GET health": lambda _: {"ok": True},
            "GET faults": lambda _: parts.plan.live(),
            "POST faults": self._add_fault,
            "DELETE faults": self._clear_faults,
            "POST outage": self._outage,
            "GET settings": lambda _: asdict(parts.settings),
            "POST settings": self._change_settings,
            "POST policy": self._set_policy,
            "POST metadata": self._set_metadata,
            "GET groups": self._groups,
            "GET violations": lambda _: parts.books.violations(),
            "GET requests": lambda _: parts.books.summary(),
            "POST reset": self._reset,
        }

    def guard(self, *doors: Listener) -> None:
        """Name the listeners that an outage closes."""
        self._doors = list(doors)

    def handle(self, connection: Connection, head: Head) -> bool:
        """Answer one request of the admin API."""
        method, target, _ = head.start.split(" ", 2)
        url = urlsplit(target)
        query: Document = dict(parse_qsl(url.query))
        route = f"{method} {url.path.removeprefix('/_sandbox/').rstrip('/')}"
        body = connection.read_body(head)
        try:
            if route == "GET events":
                return self._send_events(connection, query)
            answer = self._answer(route, {**query, **(orjson.loads(body) if body else {})})
        except (ValueError, TypeError, KeyError) as error:
            answer = json_answer({"error": f"{type(error).__name__}: {error}"}, 400)
        except ServiceError as error:
            answer = json_answer({"error": str(error)}, 404)
        connection.write(answer.encode())
        return True

    def _answer(self, route: str, document: Document) -> Answer:
        if route not in self._routes:
            return json_answer({"error": f"no such route: {route}", "routes": [*self._routes, "GET events"]}, 404)
        return json_answer(self._routes[route](document))

    def _add_fault(self, document: Document) -> Document:
        return {"id": self._parts.plan.add(read_fault(document))}

    def _clear_faults(self, document: Document) -> Document:
        self._parts.plan.clear(int(document["id"]) if "id" in document else None)
        if "id" not in document:
            self._reopen()
        return {}

    def _outage(self, document: Document) -> Document:
        """Be away for `seconds`: `refuse` connections, answer `503`, or `hang`."""
        seconds, mode = float(document["seconds"]), document.get("mode", "refuse")
        if mode == "refuse":
            self._reopen()
            for door in self._doors:
                door.refuse()
            self._reopening = threading.Timer(seconds, self._reopen)
            self._reopening.daemon = True
            self._reopening.start()
            return {}
        kinds = {"503": "unavailable", "hang": "hang"}
        if mode not in kinds:
            message = f"unknown mode {mode!r}; known are refuse, 503, hang"
            raise ValueError(message)
        return self._add_fault({"kind": kinds[mode], "for_s": seconds})

    def _reopen(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None
        for door in self._doors:
            door.open()

    def _change_settings(self, document: Document) -> Document:
        self._parts.settings.change(document)
        return asdict(self._parts.settings)

    def _set_policy(self, document: Document) -> Document:
        if "document" in document:
            if document["document"] is not None:
                read_policy(document["document"])  # a bad one changes nothing
            self._parts.gatekeeper.enforce(document["document"])
        if "deny" in document:
            self._parts.gatekeeper.deny(document["deny"])
        return {}

    def _set_metadata(self, document: Document) -> Document:
        for path, value in document.items():
            self._parts.metadata.set(path, value)
        return {}

    def _groups(self, _document: Document) -> list[Document]:
        return [_describe(group, self._parts.store.streams(group.name)) for group in self._parts.store.groups()]

    def _reset(self, _document: Document) -> Document:
        self._parts.store.clear()
        self._parts.books.clear()
        self._clear_faults({})
        return {}

    def _send_events(self, connection: Connection, query: Document) -> bool:
        """Stream all accepted events of a stream as NDJSON, whatever GetLogEvents would show yet."""
        stream = self._parts.store.stream(query["group"], query["stream"])
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        lines = _event_lines(stream)
        while part := b"".join(islice(lines, LINES_A_CHUNK)):
            connection.write(b"%x\r\n%s\r\n" % (len(part), part))
        connection.write(b"0\r\n\r\n")
        return True


def _event_lines(stream: LogStream) -> Iterator[bytes]:
    for event in stream.events():
        row = {
            "timestamp": event.place.timestamp,
            "message": event.message.decode(),
            "ingestionTime": event.ingestion_ms,
            "requestId": event.request_id,
        }
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _describe(group: LogGroup, streams: list[LogStream]) -> Document:
    return {
        "name": group.name,
        "retention_days": group.retention_days,
        "kms_key_id": group.kms_key_id,
        "streams": [
            {"name": stream.name, "events": stream.count(), "message_bytes": stream.message_bytes()}
            for stream in streams
        ],
    }
