"""The admin API under `/_sandbox/`: faults, settings, and the truth that proofs are made from. JSON in and out."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from sandbox.aws.answers import Answer, ServiceError, json_answer
from sandbox.aws.faults import read_fault
from sandbox.aws.lines import datum_lines, event_lines, send_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.aws.balancing.balancing import Balancing
    from sandbox.aws.books import Books
    from sandbox.aws.connection import Connection
    from sandbox.aws.faults import FaultPlan
    from sandbox.aws.listener import Listener
    from sandbox.aws.log_store import LogGroup, LogStore, LogStream
    from sandbox.aws.metadata import Metadata
    from sandbox.aws.metric_store import MetricStore
    from sandbox.aws.policy import Gatekeeper
    from sandbox.aws.run_command.board import Board
    from sandbox.aws.s3.service import S3Service
    from sandbox.aws.settings import Settings
    from sandbox.aws.sns_service import SnsService
    from sandbox.aws.wire import Head

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the admin API turns and reads."""

    settings: Settings
    books: Books
    plan: FaultPlan
    gatekeeper: Gatekeeper
    store: LogStore
    metrics: MetricStore
    sns: SnsService
    metadata: Metadata
    s3: S3Service
    balancing: Balancing
    board: Board


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
            "GET notifications": self._notifications,
            "GET violations": lambda _: parts.books.violations(),
            "GET requests": lambda _: parts.books.summary(),
            "POST reset": self._reset,
            "POST buckets": self._add_bucket,
            "GET uploads": lambda query: parts.s3.uploads(query["bucket"]),
            **parts.balancing.routes,
            "POST run-command": parts.board.exchange,
        }
        self._streams: dict[str, Callable[[Document], Iterable[bytes]]] = {
            "GET events": lambda query: event_lines(parts.store.stream(query["group"], query["stream"])),
            "GET metrics": lambda query: datum_lines(parts.metrics, query.get("name", "")),
            "GET objects": lambda query: parts.s3.object_lines(query["bucket"], query.get("prefix", "")),
            "GET versions": lambda query: parts.s3.version_lines(query["bucket"], query.get("prefix", "")),
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
            if route in {"GET object", "PUT object"}:
                self._object(connection, route, query, body)
                return True
            if route in self._streams:
                send_lines(connection, self._streams[route](query))
                return True
            answer = self._answer(route, {**query, **(orjson.loads(body) if body else {})})
        except (ValueError, TypeError, KeyError) as error:
            answer = json_answer({"error": f"{type(error).__name__}: {error}"}, 400)
        except ServiceError as error:
            answer = json_answer({"error": str(error)}, 404)
        connection.write(answer.encode())
        return True

    def _object(self, connection: Connection, route: str, query: Document, body: bytes) -> None:
        """Give out an object's bytes, or put some in place: neither is JSON."""
        if route == "PUT object":
            self._parts.s3.put_object(query, body)
            connection.write(json_answer({}).encode())
            return
        content = self._parts.s3.content(query["bucket"], query["key"], query.get("version_id", ""))
        connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % content.size_bytes)
        for block in content.blocks():
            connection.write(block)

    def _add_bucket(self, document: Document) -> Document:
        self._parts.s3.add_bucket(document)
        return {}

    def _answer(self, route: str, document: Document) -> Answer:
        if route not in self._routes:
            return json_answer({"error": f"no such route: {route}", "routes": [*self._routes, *self._streams]}, 404)
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
            wanted = document["document"]
            policies = wanted if isinstance(wanted, list) else [] if wanted is None else [wanted]
            self._parts.gatekeeper.enforce(*policies)
        if "deny" in document:
            self._parts.gatekeeper.deny(document["deny"])
        return {}

    def _set_metadata(self, document: Document) -> Document:
        instance_id = document.pop("instance_id", "")
        metadata = self._parts.balancing.hosts.get(instance_id).metadata if instance_id else self._parts.metadata
        for path, value in document.items():
            metadata.set(path, value)
        return {}

    def _groups(self, _document: Document) -> list[Document]:
        return [_describe(group, self._parts.store.streams(group.name)) for group in self._parts.store.groups()]

    def _notifications(self, _document: Document) -> list[Document]:
        return [one._asdict() for one in self._parts.sns.published()]

    def _reset(self, _document: Document) -> Document:
        self._parts.store.clear()
        self._parts.metrics.clear()
        self._parts.sns.clear()
        self._parts.s3.clear()
        self._parts.balancing.clear()
        self._parts.board.clear()
        self._parts.books.clear()
        self._clear_faults({})
        return {}


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
