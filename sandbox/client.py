"""`Sandbox`: runs the local AWS in a process of its own, breaks it on demand, and reads the truth out of it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

import orjson

from sandbox.admin_client import AdminClient, SandboxError
from sandbox.aws.account import ACCESS_KEY_ID, INSTANCE_ID, REGION, SECRET_ACCESS_KEY
from sandbox.balancing_client import BalancingClient
from sandbox.records import Event, MetricDatum, Notification, PendingUpload, StoredObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

REPOSITORY = Path(__file__).parents[1]
READY_LIMIT_S = 20.0
STOP_LIMIT_S = 5.0


class Sandbox(BalancingClient):
    """A running local AWS. Use as a context manager; it ends with the process that started it, however that ends."""

    def __init__(self, process: subprocess.Popen[bytes], addresses: dict[str, Any]) -> None:
        self._process = process
        self.endpoint: str = addresses["endpoint"]
        self.tls_endpoint: str = addresses.get("tls_endpoint", "")
        self.ca_bundle: str = addresses.get("ca_bundle", "")
        self.metadata_endpoint: str = addresses["metadata"]
        self.public_endpoint: str = addresses["public"]
        self._admin = AdminClient(urlsplit(addresses["admin"]).netloc)
        self._metadata_urls: dict[str, str] = {}

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
            policy: IAM policy documents, one or several, enforced together on all that the front carries out
                itself, see `docs/sandbox.md`.
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

    def environment(self, *, tls: bool = False, instance_id: str = INSTANCE_ID) -> dict[str, str]:
        """Return the variables that point an AWS SDK here, over a copy of our own without any other AWS setting.

        Args:
            tls: whether with TLS.
            instance_id: whose metadata is to be read; see `add_host`.
        """
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        trust = {"AWS_CA_BUNDLE": self.ca_bundle} if tls else {}
        return {
            **kept,
            **trust,
            "AWS_ENDPOINT_URL": self.tls_endpoint if tls else self.endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata_for(instance_id),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def fault(self, kind: str, **rule: object) -> int:
        """Put a fault in force; see `sandbox.aws.faults.Fault` for kinds and keys. Returns its number."""
        number: int = self._admin.call("POST", "faults", {"kind": kind, **rule})["id"]
        return number

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults in force, with their hits."""
        rules: list[dict[str, Any]] = self._admin.call("GET", "faults")
        return rules

    def calm(self, number: int | None = None) -> None:
        """Lift one fault, or all of them and any outage."""
        self._admin.call("DELETE", "faults" if number is None else f"faults?id={number}")

    def outage(self, seconds: float, mode: str = "refuse") -> None:
        """Be away for a while: `refuse` (and break) connections, answer `503`, or `hang`."""
        self._admin.call("POST", "outage", {"seconds": seconds, "mode": mode})

    def settings(self, **changes: object) -> dict[str, Any]:
        """Change settings (see `sandbox.aws.settings.Settings`) and return all of them."""
        values: dict[str, Any] = self._admin.call("POST", "settings", changes)
        return values

    def enforce(self, policy: dict[str, Any] | list[dict[str, Any]] | None) -> None:
        """Enforce other IAM policies, one or several together; None allows everything."""
        self._admin.call("POST", "policy", {"document": policy})

    def deny(self, *actions: str) -> None:
        """Deny exactly these actions from now on, such as `logs:GetLogEvents`; none lifts it."""
        self._admin.call("POST", "policy", {"deny": list(actions)})

    def metadata(self, texts: dict[str, str | None], instance_id: str = "") -> None:
        """Set instance metadata by path below `/latest/`, of the first instance or another; None takes a path away."""
        self._admin.call("POST", "metadata", {**texts, **({"instance_id": instance_id} if instance_id else {})})

    def groups(self) -> list[dict[str, Any]]:
        """Return all log groups with their settings and the counts of their streams."""
        rows: list[dict[str, Any]] = self._admin.call("GET", "groups")
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
        for row in self._admin.lines("events", group=group, stream=stream):
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
        rows = [MetricDatum(**row) for row in self._admin.lines("metrics", name=name or "")]
        return [row for row in rows if dimensions.items() <= row.dimensions.items()]

    def notifications(self) -> list[Notification]:
        """Return every message that SNS accepted, in the order of acceptance."""
        rows: list[dict[str, Any]] = self._admin.call("GET", "notifications")
        return [Notification(row["subject"], row["message"], row["topic"], row["at_ms"] / 1000) for row in rows]

    def create_bucket(
        self, bucket: str, *, is_versioned: bool = True, kms_key_id: str = "", lifecycle: str = ""
    ) -> None:
        """Make a bucket, whatever the policies say.

        Args:
            bucket: its name.
            is_versioned: whether it keeps all versions.
            kms_key_id: encrypts objects that are put without a word about encryption.
            lifecycle: its configuration, in S3's XML.

        Raises:
            SandboxError: the name is bad or taken.
        """
        wanted = {"bucket": bucket, "is_versioned": is_versioned, "kms_key_id": kms_key_id, "lifecycle": lifecycle}
        self._admin.call("POST", "buckets", wanted)

    def put_object(
        self, bucket: str, key: str, body: bytes, content_type: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        """Put an object as if somebody else had, whatever the policies and faults say."""
        texts = {"metadata": orjson.dumps(dict(metadata or {})).decode()}
        query = {"bucket": bucket, "key": key, **({"content_type": content_type} if content_type else {}), **texts}
        self._admin.raw("PUT", "object", body, **query)

    def objects(self, bucket: str, prefix: str = "") -> list[StoredObject]:
        """Return a bucket's objects by key, those that are deleted left out."""
        return [StoredObject(**row) for row in self._admin.lines("objects", bucket=bucket, prefix=prefix)]

    def versions(self, bucket: str, prefix: str = "") -> list[StoredObject]:
        """Return all versions of a bucket by key and then by age, delete markers among them."""
        return [StoredObject(**row) for row in self._admin.lines("versions", bucket=bucket, prefix=prefix)]

    def object_bytes(self, bucket: str, key: str, version_id: str = "") -> bytes:
        """Return the body of an object, or of one version of it."""
        return self._admin.raw("GET", "object", bucket=bucket, key=key, version_id=version_id)

    def uploads(self, bucket: str) -> list[PendingUpload]:
        """Return a bucket's multipart uploads that are neither completed nor aborted."""
        rows: list[dict[str, Any]] = self._admin.call("GET", f"uploads?bucket={quote(bucket)}")
        return [PendingUpload(**row) for row in rows]

    def public_url(self, bucket: str, prefix: str = "") -> str:
        """Return where anybody reads a bucket's objects: this and the rest of a key, percent-encoded."""
        return f"{self.public_endpoint}{bucket}/{quote(prefix)}"

    def violations(self) -> list[dict[str, Any]]:
        """Return the requests that broke a rule of the service; a correct client has none."""
        rows: list[dict[str, Any]] = self._admin.call("GET", "violations")["violations"]
        return rows

    def exchange_commands(self, message: dict[str, Any]) -> dict[str, Any]:
        """Ask for a host what it has to carry out, or report it; see `sandbox.host.ssm_agent`, which talks so."""
        answer: dict[str, Any] = self._admin.call("POST", "run-command", message)
        return answer

    def requests(self) -> dict[str, Any]:
        """Return counts.

        `operations` by outcome, `figures`, and `most_at_once` by log stream (`group:stream`) and by metric namespace
        (`metrics:namespace`), and by bucket (`s3:bucket`).
        """
        summary: dict[str, Any] = self._admin.call("GET", "requests")
        return summary

    def reset(self) -> None:
        """Forget all groups, metrics, notifications, buckets, counts and faults; settings, policies and hosts stay."""
        self._admin.call("POST", "reset")


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
