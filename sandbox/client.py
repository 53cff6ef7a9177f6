"""`Sandbox`: runs the local AWS in a process of its own, breaks it on demand, and reads the truth out of it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

REPOSITORY = Path(__file__).parents[1]
READY_LIMIT_S = 20.0
ADMIN_LIMIT_S = 60.0
STOP_LIMIT_S = 5.0
REGION = "ap-south-1"


class SandboxError(Exception):
    """The sandbox did not start, or refused an admin request."""


@dataclass(frozen=True, slots=True)
class Event:
    """A log event that the service accepted."""

    timestamp: int
    message: str
    ingestion_ms: int
    request_id: str


@dataclass(frozen=True, slots=True)
class MetricDatum:
    """A metric datum that the service accepted.

    Attributes:
        namespace, name: of the metric.
        dimensions: of the metric, all of them.
        unit: as given, or `None` (the service's word for none).
        timestamp_ms: as given, or the service's time when it was accepted.
        values: what was measured; empty where a statistic set was sent.
        counts: how often each value occurred.
        request_id: of the request that brought it; a datum that came twice came with two.
        statistics: the statistic set by `sample_count`, `sum`, `minimum` and `maximum`, or None.
        resolution_s: 1 or 60.
    """

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    timestamp_ms: int
    values: list[float]
    counts: list[float]
    request_id: str
    statistics: dict[str, float] | None
    resolution_s: int


class Notification(NamedTuple):
    """A message that SNS accepted; `at` is the service's time in seconds since the epoch."""

    subject: str
    message: str
    topic: str
    at: float


class Sandbox:
    """A running local AWS. Use as a context manager; it ends with the process that started it, however that ends."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: dict[str, Any]) -> None:
        self._process = process
        self.endpoint: str = addresses["endpoint"]
        self.tls_endpoint: str = addresses.get("tls_endpoint", "")
        self.ca_bundle: str = addresses.get("ca_bundle", "")
        self.metadata_endpoint: str = addresses["metadata"]
        self._admin = urlsplit(addresses["admin"]).netloc

    @classmethod
    def start(
        cls,
        *,
        tls: bool = False,
        policy: Path | Sequence[Path] = (),
        deny: Sequence[str] = (),
        moto: bool = False,
        seed: int = 1,
        port: int = 0,
    ) -> Self:
        """Start a local AWS and wait until it listens.

        Args:
            tls: also listen with TLS, at `tls_endpoint`, trusted with `ca_bundle`.
            policy: IAM policy documents, one or several, enforced together on CloudWatch Logs and metrics, `Publish` of
                SNS and `DescribeAutoScalingInstances`.
            deny: actions denied whatever the policy says.
            moto: pass other services on to moto's server, which starts with the first such request.
            seed: of all dice.
            port: of the front; 0 takes a free one.

        Raises:
            SandboxError: it did not come up.
        """
        command = [sys.executable, "-m", "sandbox", "serve", "--until-stdin-closes", f"--seed={seed}", f"--port={port}"]
        command += [f"--deny={action}" for action in deny]
        command += [flag for flag, is_on in (("--tls", tls), ("--no-moto", not moto)) if is_on]
        policies = [policy] if isinstance(policy, Path) else policy
        command += [f"--enforce-policy={path.resolve()}" for path in policies]
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        return cls(process, _read_addresses(process))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the local AWS and all it started; idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def environment(self, *, tls: bool = False) -> dict[str, str]:
        """Return the variables that point an AWS SDK here, over a copy of our own without any other AWS setting."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        trust = {"AWS_CA_BUNDLE": self.ca_bundle} if tls else {}
        return {
            **kept,
            **trust,
            "AWS_ENDPOINT_URL": self.tls_endpoint if tls else self.endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata_endpoint,
            "AWS_ACCESS_KEY_ID": "AKIASANDBOX000000000",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def fault(self, kind: str, **rule: object) -> int:
        """Put a fault in force; see `sandbox.aws.faults.Fault` for kinds and keys. Returns its number."""
        number: int = self._call("POST", "faults", {"kind": kind, **rule})["id"]
        return number

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults in force, with their hits."""
        rules: list[dict[str, Any]] = self._call("GET", "faults")
        return rules

    def calm(self, number: int | None = None) -> None:
        """Lift one fault, or all of them and any outage."""
        self._call("DELETE", "faults" if number is None else f"faults?id={number}")

    def outage(self, seconds: float, mode: str = "refuse") -> None:
        """Be away for a while: `refuse` (and break) connections, answer `503`, or `hang`."""
        self._call("POST", "outage", {"seconds": seconds, "mode": mode})

    def settings(self, **changes: object) -> dict[str, Any]:
        """Change settings (see `sandbox.aws.settings.Settings`) and return all of them."""
        values: dict[str, Any] = self._call("POST", "settings", changes)
        return values

    def enforce(self, policy: dict[str, Any] | list[dict[str, Any]] | None) -> None:
        """Enforce other IAM policies, one or several together; None allows everything."""
        self._call("POST", "policy", {"document": policy})

    def deny(self, *actions: str) -> None:
        """Deny exactly these actions from now on, such as `logs:GetLogEvents`; none lifts it."""
        self._call("POST", "policy", {"deny": list(actions)})

    def metadata(self, texts: dict[str, str | None]) -> None:
        """Set instance metadata by path below `/latest/`; None takes a path away."""
        self._call("POST", "metadata", texts)

    def groups(self) -> list[dict[str, Any]]:
        """Return all log groups with their settings and the counts of their streams."""
        rows: list[dict[str, Any]] = self._call("GET", "groups")
        return rows

    def streams(self, group: str | None = None) -> list[tuple[str, str]]:
        """Return (group, stream) of every log stream, or of those in one group."""
        rows = [row for row in self.groups() if group in {None, row["name"]}]
        return [(row["name"], stream["name"]) for row in rows for stream in row["streams"]]

    def count(self, group: str | None = None) -> int:
        """Return how many events are stored, in all or in one group."""
        rows = [row for row in self.groups() if group in {None, row["name"]}]
        return sum(stream["events"] for row in rows for stream in row["streams"])

    def events(self, group: str, stream: str) -> Iterator[Event]:
        """Yield every accepted event of a stream, by timestamp and then by acceptance, visible yet or not."""
        for row in self._lines("events", group=group, stream=stream):
            yield Event(row["timestamp"], row["message"], row["ingestionTime"], row["requestId"])

    def all_events(self, group: str | None = None) -> Iterator[tuple[str, str, Event]]:
        """Yield (group, stream, event) of everything accepted, stream by stream."""
        for name, stream in self.streams(group):
            for event in self.events(name, stream):
                yield name, stream, event

    def metric_data(self, name: str | None = None, **dimensions: str) -> list[MetricDatum]:
        """Return every accepted metric datum, metric by metric, each metric's in the order of acceptance.

        Args:
            name: of the metrics wanted; None for all.
            dimensions: which a wanted metric has, perhaps beside others. The exact set, by which alarms match, is in
                each row's `dimensions`.
        """
        rows = [MetricDatum(**row) for row in self._lines("metrics", name=name or "")]
        return [row for row in rows if dimensions.items() <= row.dimensions.items()]

    def notifications(self) -> list[Notification]:
        """Return every message that SNS accepted, in the order of acceptance."""
        rows: list[dict[str, Any]] = self._call("GET", "notifications")
        return [Notification(row["subject"], row["message"], row["topic"], row["at_ms"] / 1000) for row in rows]

    def violations(self) -> list[dict[str, Any]]:
        """Return the requests that broke a rule of the service; a correct client has none."""
        rows: list[dict[str, Any]] = self._call("GET", "violations")["violations"]
        return rows

    def requests(self) -> dict[str, Any]:
        """Return counts.

        `operations` by outcome, `figures`, and `most_at_once` by log stream (`group:stream`) and by metric namespace
        (`metrics:namespace`).
        """
        summary: dict[str, Any] = self._call("GET", "requests")
        return summary

    def reset(self) -> None:
        """Forget all groups, metrics, notifications, counts and faults; settings and policies stay."""
        self._call("POST", "reset")

    def _lines(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        connection = HTTPConnection(self._admin, timeout=ADMIN_LIMIT_S)
        try:
            connection.request("GET", f"/_sandbox/{path}?{urlencode(query)}")
            response = connection.getresponse()
            _check(response)
            for line in response:
                yield orjson.loads(line)
        finally:
            connection.close()

    def _call(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - any JSON value
        connection = HTTPConnection(self._admin, timeout=ADMIN_LIMIT_S)
        try:
            connection.request(method, f"/_sandbox/{path}", b"" if document is None else orjson.dumps(document))
            response = connection.getresponse()
            _check(response)
            return orjson.loads(response.read())
        finally:
            connection.close()


def _check(response: HTTPResponse) -> None:
    if response.status >= 400:
        raise SandboxError(response.read().decode())


def _read_addresses(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    if process.stdout is None:
        message = "the sandbox was started without a pipe"
        raise SandboxError(message)
    ready, _, _ = select.select([process.stdout], [], [], READY_LIMIT_S)
    line = process.stdout.readline() if ready else b""
    if not line:
        process.kill()
        process.wait()
        message = f"the sandbox did not start; exit code {process.returncode}"
        raise SandboxError(message)
    addresses: dict[str, Any] = orjson.loads(line)
    return addresses
