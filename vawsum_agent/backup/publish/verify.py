"""Reads a backup back, every byte of it: what S3 gives is what was written, and zstd makes SQL of it."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from vawsum_agent.backup.names import DUMP, GRANTS
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.sidecars import SidecarBucket, Verified
from vawsum_agent.backup.restore.source import Damaged, RangeBucket, Source, Waiting, Whole
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import AgentError, AwsError, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.core.clock import Clock

_LOOK_UP_EVERY_S = 0.2
_PHASE = "reading back"


class Bucket(SidecarBucket, RangeBucket, Protocol):
    """What is asked of the bucket; see `BackupBucket`."""


def verify(
    bucket: Bucket,
    prefix: str,
    name: BackupName,
    manifest: Manifest,
    *,
    by: str,
    clock: Clock,
    show: Callable[[str, int, int | None], None] = lambda *_: None,
    is_halted: Callable[[], bool] = lambda: False,
) -> Verified:
    """Read the dump and the grants: size and SHA-256 of each, checksum and size of every frame; and write it down.

    Args:
        bucket: of the backups.
        prefix: as configured.
        name: which backup.
        manifest: of it.
        by: this instance.
        clock: for the time that is written down.
        show: told the phase, bytes done and bytes in all.
        is_halted: whether to give up.

    Raises:
        Damaged: which is written down.
        BackupError: it was told to end.
        AwsError: S3 refuses, or did not give it within patience, which says nothing of it: what was known stays.
    """
    told = Verified(
        verified_at=rfc3339(clock.now()), by=by, sha256=manifest.dump.sha256, frames=len(manifest.frames), raw_bytes=0
    )
    try:
        raw_bytes = _read_back(bucket, prefix, name, manifest, clock, show, is_halted)
    except AgentError as error:
        if not is_halted() and is_damage(error):
            # What an earlier look found does not hold any more: nothing older may expire for its sake. See `expire`.
            with suppress(AwsError):
                sidecars.write(bucket, prefix, name, replace(told, problems=[error.message]))
        raise
    told = replace(told, verified_at=rfc3339(clock.now()), raw_bytes=raw_bytes)
    # If we die before this line it is as if nobody had looked, and the next look does it all again.
    sidecars.write(bucket, prefix, name, told)
    return told


def is_damage(error: AgentError) -> bool:
    """Whether what `verify` raised is about the bytes, or the object that should hold them, not about the way there."""
    is_missing = isinstance(error, AwsError) and error.code in {"NoSuchKey", "InvalidRange"}
    return isinstance(error, Damaged) or is_missing


def _read_back(
    bucket: Bucket,
    prefix: str,
    name: BackupName,
    manifest: Manifest,
    clock: Clock,
    show: Callable[[str, int, int | None], None],
    is_halted: Callable[[], bool],
) -> int:
    """Read all of it; gives how much SQL the dump holds. Raises as `verify`."""
    done = [0]
    total = manifest.dump.size_bytes

    def nap(seconds: float) -> None:
        ends_at = clock.monotonic() + seconds
        while (left_s := ends_at - clock.monotonic()) > 0:
            _go_on(is_halted)
            time.sleep(min(left_s, _LOOK_UP_EVERY_S))

    whole = Whole(manifest.dump, f"s3://{bucket.bucket}/{name.key(prefix, DUMP)}")

    def take(block: bytes) -> None:
        _go_on(is_halted)
        whole.take(block)
        done[0] += len(block)
        show(_PHASE, done[0], total)

    waiting = Waiting(clock, nap, random.Random().random)  # noqa: S311 - jitter
    dump = Source(bucket, name.key(prefix, DUMP), manifest.dump, waiting)
    raw_bytes = sum(len(block) for frame in manifest.frames for block in dump.sql(frame, take))
    whole.verify()
    for _ in Source(bucket, name.key(prefix, GRANTS), manifest.grants, waiting).whole_sql():
        _go_on(is_halted)
    return raw_bytes


def _go_on(is_halted: Callable[[], bool]) -> None:
    if is_halted():
        message = "told to end before everything was read back"
        raise BackupError(message, hint="run `vawsum-agent backup verify` again")
