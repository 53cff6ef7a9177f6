"""Objects that are written as a stream, on the sandbox's S3: whole, whatever it does, or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.servers.process import wait_until
from tests.integration.backup.vaults import BUCKET, FOLDER, vault_for
from vawsum_agent.aws.backup_bucket import ObjectExists
from vawsum_agent.backup.upload.patience import Patience, Persistent
from vawsum_agent.backup.upload.whole import put_whole
from vawsum_agent.backup.upload.writer import ObjectWriter
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AccessDenied, AwsError, BackupError, NotFound, Unavailable

if TYPE_CHECKING:
    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

MIB = 1 << 20
KEY = f"{FOLDER}dump.sql.zst"
ZSTD = "application/zstd"
QUICK = Patience(longest_s=60, denied_s=0.5, first_wait_s=0.01, longest_wait_s=0.1)
HALF_BLOCK = os.urandom(64 << 10)


def writer_for(vault: BackupBucket, **options: Any) -> ObjectWriter:  # noqa: ANN401 - the writer's own
    """Open a writer that comes back soon after failures."""
    return ObjectWriter(vault, KEY, ZSTD, clock=SystemClock(), **{"patience": QUICK, **options})


def blocks(size_bytes: int) -> list[bytes]:
    """Make bytes that differ from block to block, cheaply."""
    count = -(-size_bytes // (128 << 10))
    return [HALF_BLOCK + number.to_bytes(8, "big") + HALF_BLOCK[8:] for number in range(count)]


def write_all(writer: ObjectWriter, size_bytes: int) -> bytes:
    """Write so much, and give it."""
    written = blocks(size_bytes)
    for block in written:
        writer.write(block)
    return b"".join(written)


def store(writer: ObjectWriter, size_bytes: int) -> None:
    """Write so much, and finish it."""
    with writer:
        write_all(writer, size_bytes)
        writer.finish()


@pytest.mark.parametrize("size_bytes", [0, 1, 7 * MIB, 8 * MIB, 30 * MIB])
def test_what_is_written_is_stored(sandbox: Sandbox, vault: BackupBucket, size_bytes: int) -> None:
    """Size, digest, ETag and bytes are those of what was written; nothing is pending."""
    with writer_for(vault) as writer:
        for at in range(0, size_bytes, MIB):
            assert writer.size_bytes == at
            assert writer.wait_for_room(60)
            writer.write(HALF_BLOCK * 16 if size_bytes > 1 else b"x")
        stored = writer.finish(raw_bytes=77)
    body = sandbox.object_bytes(BUCKET, KEY)
    head = vault.head(KEY)
    assert head is not None
    assert len(body) == stored.size_bytes == writer.size_bytes == size_bytes
    assert (stored.name, stored.raw_bytes, stored.etag) == ("dump.sql.zst", 77, head.etag)
    assert stored.sha256 == hashlib.sha256(body).hexdigest()
    assert sandbox.uploads(BUCKET) == []
    assert ("CreateMultipartUpload" in sandbox.requests()["operations"]) == (size_bytes >= 8 * MIB)


@pytest.mark.parametrize("operation", ["UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload"])
@pytest.mark.parametrize("kind", ["unavailable", "throttle", "reset", "drop", "reset_after", "failure_after"])
def test_five_failures_in_a_row_lead_to_the_same_object(
    sandbox: Sandbox, vault: BackupBucket, kind: str, operation: str
) -> None:
    """503s and broken connections, before or after S3 took it: the same bytes, one object, and nothing pending."""
    sandbox.fault(kind, operation=f"s3:{operation}", count=5)
    with writer_for(vault) as writer:
        body = write_all(writer, 18 * MIB)
        stored = writer.finish()
    assert stored.sha256 == hashlib.sha256(body).hexdigest()
    assert sandbox.object_bytes(BUCKET, KEY) == body
    assert len(sandbox.versions(BUCKET)) == 1
    assert sandbox.uploads(BUCKET) == []


@pytest.mark.parametrize("kind", ["unavailable", "reset_after"])
def test_a_small_object_survives_failures_too(sandbox: Sandbox, vault: BackupBucket, kind: str) -> None:
    """One PUT, tried again; an answer that was lost is found out."""
    sandbox.fault(kind, operation="s3:PutObject", count=5)
    with writer_for(vault) as writer:
        body = write_all(writer, MIB)
        stored = writer.finish()
    assert stored.sha256 == hashlib.sha256(body).hexdigest()
    assert len(sandbox.versions(BUCKET)) == 1


def test_an_outage_is_sat_out(sandbox: Sandbox, vault: BackupBucket) -> None:
    """S3 is away for seconds in the middle of it."""
    with writer_for(vault) as writer:
        body = write_all(writer, 10 * MIB)
        sandbox.outage(3)
        body += write_all(writer, 20 * MIB)
        writer.finish()
    assert sandbox.object_bytes(BUCKET, KEY) == body


def test_a_hanging_part_does_not_hold_up_the_others(sandbox: Sandbox, vault: BackupBucket) -> None:
    """While one part is not answered the next ones go; then it is sent again."""
    sandbox.fault("hang", operation="s3:UploadPart", count=1, for_s=60)
    with writer_for(vault) as writer:
        body = write_all(writer, 40 * MIB)
        writer.finish()
    assert sandbox.object_bytes(BUCKET, KEY) == body


def test_leaving_without_finishing_leaves_nothing(sandbox: Sandbox, vault: BackupBucket) -> None:
    """The upload is aborted, also where its beginning was not seen, and whatever ended the writing."""
    sandbox.fault("reset_after", operation="s3:CreateMultipartUpload", count=1)
    with contextlib.suppress(ZeroDivisionError), writer_for(vault) as writer:
        write_all(writer, 30 * MIB)
        wait_until(lambda: len(sandbox.uploads(BUCKET)) == 2, 60)
        raise ZeroDivisionError
    assert sandbox.uploads(BUCKET) == []
    assert sandbox.objects(BUCKET) == []
    with pytest.raises(BackupError):
        writer.write(b"x")


def test_leaving_breaks_off_what_is_under_way(sandbox: Sandbox, vault: BackupBucket) -> None:
    """A part that would take minutes on a slow line is not waited for."""
    sandbox.fault("bandwidth", operation="s3:UploadPart", bytes_per_s=50_000)
    with writer_for(vault) as writer:
        write_all(writer, 20 * MIB)
        wait_until(lambda: len(sandbox.uploads(BUCKET)) == 1, 60)
        begun = time.monotonic()
    assert time.monotonic() - begun < 60
    sandbox.calm()
    assert sandbox.uploads(BUCKET) == []


def test_what_is_refused_fails_at_once(sandbox: Sandbox, vault: BackupBucket, tmp_path: Path) -> None:
    """No bucket, or no right to it: one error, however long patience is; and nothing is left."""
    endless = replace(QUICK, longest_s=3600)
    missing = vault_for(sandbox, tmp_path, bucket="no-such-bucket")
    for size_bytes in (MIB, 30 * MIB):
        with pytest.raises(NotFound):
            store(writer_for(missing, patience=endless), size_bytes)
    for action in ("s3:PutObject", "kms:Decrypt"):
        sandbox.deny(action)
        with pytest.raises(AccessDenied):
            store(writer_for(vault, patience=endless), 30 * MIB)
    assert sandbox.uploads(BUCKET) == []


def test_rights_that_return_are_waited_for_a_little(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Credentials that are renewed in the middle of it end nothing; those that stay away do."""
    with writer_for(vault, patience=replace(QUICK, denied_s=60)) as writer:
        body = write_all(writer, 9 * MIB)
        wait_until(lambda: bool(sandbox.uploads(BUCKET)) and sandbox.uploads(BUCKET)[0].part_count > 0, 60)
        sandbox.fault("deny", operation="s3:UploadPart", count=3)
        body += write_all(writer, 20 * MIB)
        writer.finish()
    assert sandbox.object_bytes(BUCKET, KEY) == body


def test_patience_ends(sandbox: Sandbox, vault: BackupBucket) -> None:
    """S3 that fails on and on ends it with what S3 said, for whoever writes, waits or finishes."""
    sandbox.fault("unavailable", operation="s3:UploadPart")
    with writer_for(vault, patience=replace(QUICK, longest_s=0.3)) as writer:
        write_all(writer, 9 * MIB)
        with pytest.raises(Unavailable, match="ServiceUnavailable"):
            writer.finish()
        for ask in (lambda: writer.write(b"x"), lambda: writer.wait_for_room(1), writer.finish):
            with pytest.raises(Unavailable):
                ask()
    assert sandbox.uploads(BUCKET) == []


def test_a_slow_line_is_felt_and_memory_stays(sandbox: Sandbox, vault: BackupBucket) -> None:
    """There is no room; more is taken all the same, up to a bound; then writing waits until it is told to end."""
    sandbox.fault("bandwidth", operation="s3:UploadPart", bytes_per_s=1_000_000)
    is_halted = threading.Event()
    with writer_for(vault, is_halted=is_halted.is_set) as writer:
        taken = 0
        while writer.wait_for_room(0.01):
            writer.write(HALF_BLOCK * 16)
            taken += 1
        assert 20 <= taken <= 34
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(48 - taken):
            writer.write(HALF_BLOCK * 16)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
        threading.Timer(1, is_halted.set).start()
        with pytest.raises(BackupError, match="told to end"):
            write_all(writer, 200 * MIB)
        assert writer.size_bytes <= 100 * MIB
        sandbox.calm()


def test_room_comes_back(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Where S3 was slow for a while, the part that grew meanwhile is sent as it is."""
    number = sandbox.fault("bandwidth", operation="s3:UploadPart", bytes_per_s=2_000_000)
    with writer_for(vault) as writer:
        body = write_all(writer, 40 * MIB)
        sandbox.calm(number)
        assert writer.wait_for_room(60)
        body += write_all(writer, 20 * MIB)
        stored = writer.finish()
    assert stored.sha256 == hashlib.sha256(body).hexdigest()
    assert sandbox.object_bytes(BUCKET, KEY) == body


def test_nothing_is_written_over(sandbox: Sandbox, vault: BackupBucket) -> None:
    """What lies at the key stays; of what was sent nothing is left."""
    sandbox.put_object(BUCKET, KEY, b"old")
    for size_bytes in (MIB, 20 * MIB):
        with pytest.raises(ObjectExists):
            store(writer_for(vault), size_bytes)
    assert sandbox.object_bytes(BUCKET, KEY) == b"old"
    assert sandbox.uploads(BUCKET) == []


def test_an_upload_that_somebody_aborts_fails_at_once(sandbox: Sandbox, vault: BackupBucket) -> None:
    """It can't be gone on with, and patience would not help."""
    with writer_for(vault, patience=replace(QUICK, longest_s=3600)) as writer:
        write_all(writer, 9 * MIB)
        wait_until(lambda: len(sandbox.uploads(BUCKET)) == 1, 60)
        for pending in vault.pending(FOLDER):
            vault.abort(pending)
        with pytest.raises(NotFound):
            store(writer, 40 * MIB)


def test_small_documents_are_stored_once(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Answers that are lost are found out; other bytes at the key are an error and stay."""
    persistent = Persistent(QUICK, SystemClock(), threading.Event())
    sandbox.fault("reset_after", operation="s3:PutObject", count=1)
    etag = put_whole(vault, KEY, b"{}", "application/json", persistent)
    assert put_whole(vault, KEY, b"{}", "application/json", persistent) == etag
    with pytest.raises(ObjectExists):
        put_whole(vault, KEY, b"[]", "application/json", persistent)
    sandbox.fault("unavailable", operation="s3:PutObject")
    impatient = Persistent(replace(QUICK, longest_s=0.1), SystemClock(), threading.Event())
    with pytest.raises(AwsError):
        put_whole(vault, f"{KEY}2", b"{}", "application/json", impatient)
    assert len(sandbox.versions(BUCKET)) == 1


WRITE_ON = """
import sys
from pathlib import Path
from sandbox import Sandbox
from tests.integration.backup.test_writer import HALF_BLOCK, writer_for
from tests.integration.backup.vaults import session_for
from vawsum_agent.aws.backup_bucket import BackupBucket

class There:
    endpoint = sys.argv[1]

with writer_for(BackupBucket(session_for(There(), Path(sys.argv[2])), "vawsum-backups")) as writer:
    while True:
        writer.write(HALF_BLOCK)
"""


def test_a_killed_process_leaves_what_the_next_start_aborts(
    sandbox: Sandbox, vault: BackupBucket, tmp_path: Path
) -> None:
    """Parts that are no object; found under the folder of the backup."""
    command = [sys.executable, "-c", WRITE_ON, sandbox.endpoint, str(tmp_path)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3])
    try:
        wait_until(lambda: bool(sandbox.uploads(BUCKET)) and sandbox.uploads(BUCKET)[0].part_count > 1, 60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert sandbox.objects(BUCKET) == []
    (pending,) = vault.pending(FOLDER)
    vault.abort(pending)
    assert sandbox.uploads(BUCKET) == []
