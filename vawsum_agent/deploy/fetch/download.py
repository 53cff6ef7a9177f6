"""The bytes of an artifact into a file, gone on with after a broken connection, proven before anybody reads them."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AwsError, DeployError, Unavailable
from vawsum_agent.core.units import format_bytes
from vawsum_agent.deploy.fetch.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from vawsum_agent.deploy.fetch.artifacts import Artifacts
    from vawsum_agent.deploy.fetch.patience import Patience
    from vawsum_agent.deploy.fetch.wanted import Wanted

_SAY_EVERY_BYTES = 64 << 20


def download(
    artifacts: Artifacts, wanted: Wanted, file: BinaryIO, patience: Patience, say: Callable[[str], None]
) -> None:
    """Write an artifact into an empty file.

    Args:
        artifacts: where it is published.
        wanted: what it is.
        file: unbuffered or not; what is in it counts for nothing unless this returns.
        patience: with the connection.
        say: told how far it is.

    Raises:
        AwsError: it can't be had.
        Refused: its bytes are others than were promised.
        DeployError: they can't be written.
    """
    digest = hashlib.sha256()
    done = 0
    while done < wanted.size_bytes:
        try:
            for block in artifacts.stream(wanted.name, done):
                done += len(block)
                _check_size(done, wanted)
                digest.update(block)
                _write(file, block, wanted)
                patience.progressed()
                if done // _SAY_EVERY_BYTES != (done - len(block)) // _SAY_EVERY_BYTES:
                    say(f"downloaded {format_bytes(done)} of {format_bytes(wanted.size_bytes)}")
            if done < wanted.size_bytes:
                raise _cut(artifacts, wanted, done)
        except AwsError as error:
            # What came is right as far as anybody knows: the checksum is over all of it, whoever sent the parts.
            patience.wait_or_raise(error)
    if digest.hexdigest() != wanted.sha256:
        raise Refused(f"it has the SHA-256 {digest.hexdigest()}, and its checksum says {wanted.sha256}")
    _flush(file, wanted)


def _check_size(done: int, wanted: Wanted) -> None:
    if done > wanted.size_bytes:
        raise Refused(f"it is larger than the {wanted.size_bytes:,} bytes that were announced")


def _cut(artifacts: Artifacts, wanted: Wanted, done: int) -> AwsError:
    message = f"{artifacts.where}{wanted.name} ends at byte {done:,} of {wanted.size_bytes:,}"
    return Unavailable(message, operation="GetObject", code="IncompleteBody", maybe_done=False)


def _write(file: BinaryIO, block: bytes, wanted: Wanted) -> None:
    try:
        file.write(block)
    except OSError as exc:
        raise _not_written(exc, wanted) from exc


def _flush(file: BinaryIO, wanted: Wanted) -> None:
    try:
        file.flush()
    except OSError as exc:
        raise _not_written(exc, wanted) from exc


def _not_written(exc: OSError, wanted: Wanted) -> DeployError:
    return DeployError(f"{wanted.name} can't be downloaded: {os.strerror(exc.errno or 0)}", hint="free some space")
